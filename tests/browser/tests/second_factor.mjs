// Two-factor authentication: setup, sign-in and removal; this file computes the codes of the authenticator app.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { api, openPage } from "../lib.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PASSWORD = "battery staple";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Returns the TOTP code (RFC 6238), `ahead` steps from now. */
function code(secret, ahead = 0) {
  const bits = [...secret.replaceAll(" ", "")].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const digest = createHmac("sha1", key).update(step).digest();
  const at = digest[19] & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function firstStep(page, name) {
  await page.goto("/login?next=%2Fexecutions");
  await page.fill("[name=name]", name);
  await page.fill("[name=password]", PASSWORD);
  await page.click("main button");
}

async function clean(page, where) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(found.violations.map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.target.join(" "))}`), [], where);
}

/** Creates an account and a browser context for it. */
async function accountBrowser(browser, server, name, options) {
  await api(server, "POST", "/users", { name, role: "viewer", password: PASSWORD });
  const page = await openPage(browser, { baseURL: server.url, ...options });
  return { context: page.context(), page };
}

/** Sets up the second factor on the account page; returns its secret and the recovery codes. */
async function enrol(page) {
  await page.goto("/account");
  await page.click("main a[href='/account/second-factor']");
  await page.click("main .btn-primary");
  const secret = (await page.textContent("#secret")).trim();
  await page.fill("[name='/code']", "000000");
  await page.click("main .btn-primary");
  await page.locator(".field-fault", { hasText: "is not the current code" }).waitFor();
  assert.equal((await page.textContent("#secret")).trim(), secret, "a wrong code keeps the secret");
  // The code of the previous step: the current one stays usable for the sign-in.
  await page.fill("[name='/code']", code(secret, -1));
  await page.click("main .btn-primary");
  const codes = (await page.textContent("#recovery-codes")).trim().split("\n");
  assert.equal(codes.length, 10);
  return { secret, codes };
}

export const secondFactor = {
  async "set up, use and remove a second factor without JavaScript"({ server, browser }) {
    const { context, page } = await accountBrowser(browser, server, "fac-plain", { javaScriptEnabled: false });
    await firstStep(page, "fac-plain");
    await page.waitForURL("**/executions");
    const { secret, codes } = await enrol(page);
    await page.click("main a.btn-primary");
    await context.clearCookies();
    await firstStep(page, "fac-plain");
    await page.waitForURL("**/login/code?next=%2Fexecutions");
    await page.fill("[name=code]", "000000");
    await page.click("main button");
    await page.locator(".alert-danger").waitFor();
    await page.fill("[name=code]", code(secret));
    await page.click("main button");
    await page.waitForURL("**/executions");
    await context.clearCookies();
    await firstStep(page, "fac-plain");
    await page.fill("[name=code]", codes[0]);
    await page.click("main button");
    await page.locator(".flash", { hasText: "Recovery codes left: 9" }).waitFor();
    await page.goto("/account/second-factor");
    await page.fill("[name='/present']", PASSWORD);
    await page.fill("[name='/code']", codes[1]);
    await page.click("main .btn-ghost-danger");
    await page.locator(".flash", { hasText: "turned off" }).waitFor();
    await page.goto("/account");
    await page.click("form[action='/account/sign-out'] button");
    await page.waitForURL("**/login");
    await firstStep(page, "fac-plain");
    await page.waitForURL("**/executions");
    await context.close();
  },

  async "accessibility and phone layout of the second factor pages"({ server, browser, open }) {
    for (const [name, colorScheme, locale] of [["fac-light", "light", "en-US"], ["fac-dark", "dark", "zh-CN"]]) {
      const { context, page } = await accountBrowser(browser, server, name, { colorScheme, locale, bypassCSP: true, viewport: { width: 360, height: 800 } });
      await firstStep(page, name);
      await page.waitForURL("**/executions");
      await page.goto("/account/second-factor");
      await clean(page, `${name} off`);
      await page.click("main .btn-primary");
      const picture = await page.locator("svg.qr").boundingBox();
      assert.ok(picture.width > 150 && picture.width <= 360, `the picture is ${picture.width} wide`);
      const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(width <= room, `${width} in ${room}`);
      await clean(page, `${name} begun`);
      await page.fill("[name='/code']", code((await page.textContent("#secret")).trim()));
      await page.click("main .btn-primary");
      await page.locator("#recovery-codes").waitFor();
      await clean(page, `${name} codes`);
      await page.goto("/account/second-factor");
      await clean(page, `${name} on`);
      await context.clearCookies();
      await firstStep(page, name);
      await page.waitForURL("**/login/code*");
      await clean(page, `${name} second step`);
      await context.close();
    }
    const page = await open();
    await page.goto("/settings/users/edit?name=fac-light");
    await page.click("text=Reset two-factor");
    const answered = page.waitForResponse((answer) => answer.request().method() === "POST");
    await page.click("main .btn-danger");
    assert.ok((await answered).status() < 400);
    assert.equal((await api(server, "GET", "/users/fac-light")).second_factor, false);
    assert.equal((await api(server, "GET", "/users/fac-dark")).second_factor, true);
  },
};
