// Shared by the tests and the screenshots: a server with its own data directory, the browser, and an API client.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const NAME = "admin";
const PASSWORD = "correct horse";
export const TOKEN = "browser-tests-0123456789abcdefghij";
/** Milliseconds that an element or a navigation is waited for: pages of a debug build on a busy machine take some. */
const ACTION_LIMIT = 120_000;
const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

// A mail server and an SMS gateway where nothing listens.
const SETTINGS = `[smtp.office]
host = "127.0.0.1"
port = 9
tls = "none"
from = "Belfry <belfry@example.com>"

[sms.gateway]
provider = "http"
url = "http://127.0.0.1:9/send?to={to}&text={text}"
`;

/** Returns the path of an installed browser, or undefined. */
export const browserPath = () => BROWSERS.find((path) => path && existsSync(path));

/** Starts the server; `stop` ends it and removes its data directory, `end` and `kill` keep the directory. */
export async function startServer({ port = 0, folder = mkdtempSync(join(tmpdir(), "belfry-browser-")) } = {}) {
  const binary = process.env.BELFRY ?? fileURLToPath(new URL("../../target/debug/belfry", import.meta.url));
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BELFRY_")));
  const env = { ...clean, BELFRY_ADMIN_USER: NAME, BELFRY_ADMIN_PASSWORD: PASSWORD, BELFRY_ADMIN_TOKEN: TOKEN };
  writeFileSync(join(folder, "belfry.toml"), SETTINGS);
  const args = ["serve", "--data-dir", folder, "--listen", `127.0.0.1:${port}`];
  const child = spawn(binary, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const url = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (data) => {
      text += data;
      const found = text.match(/http:\/\/[^\s]+/);
      if (found) resolve(found[0].replace(/\/$/, ""));
    });
    child.stderr.resume();
    child.on("exit", (code) => reject(new Error(`the server exited with ${code}: ${text}`)));
  });
  child.removeAllListeners("exit");
  const end = (signal) =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once("exit", resolve);
      child.kill(signal);
    });
  const stop = async () => {
    await end("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, folder, stop, end: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

/** Calls the JSON API; throws on an error status. */
export async function api(server, method, path, body) {
  const answer = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

export const echo = (id, more = {}) => ({
  id,
  type: "echo",
  trigger: { type: "cron", expression: "0 8 * * *" },
  params: { message: `hello from ${id}` },
  ...more,
});

export async function startBrowser() {
  return chromium.launch({
    executablePath: browserPath(),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP belfry.test 127.0.0.1",
    ],
  });
}

/** Opens a page in a context of its own, without a session. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1360, height: 900 }, ...options });
  context.setDefaultTimeout(ACTION_LIMIT);
  return context.newPage();
}

/** Opens a page and signs in. */
export async function signIn(browser, server, options = {}) {
  const page = await openPage(browser, { baseURL: server.url, ...options });
  await page.goto("/login");
  await page.fill("[name=name]", NAME);
  await page.fill("[name=password]", PASSWORD);
  await page.click("main button:not([type=button])");
  await page.waitForURL((url) => url.pathname === "/");
  return page;
}

/** Shows the parameters of a form as JSON. */
export async function asJson(page) {
  await page.click("#params-to-json");
  await page.locator("#field-params").waitFor({ state: "attached" });
}

/** Types over what an element holds. */
export async function type(page, selector, text) {
  await page.locator(selector).click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.type(text);
}

/** Chooses an action from the menu of a task's row. */
export async function rowAct(page, id, act) {
  await page.click(`tr[data-task="${id}"] [data-menu]`);
  await page.click(`#row-menu [data-act=${act}]`);
}

/** Waits for an execution to end and returns it. */
export async function ended(server, id) {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await api(server, "GET", `/executions/${id}`);
    if (!["queued", "running"].includes(found.status)) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`execution ${id} has not ended`);
}
