// The first minutes: from starting the program in an empty folder to the first recorded run, as the README says.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPage } from "../lib.mjs";

/** Starts the program as a newcomer does, on a free port; resolves with what it prints. */
function start(folder) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BELFRY")));
  const child = spawn(process.env.BELFRY, ["--listen", "127.0.0.1:0"], { cwd: folder, env: { ...env, LC_ALL: "C" }, stdio: ["ignore", "pipe", "ignore"] });
  const printed = new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (data) => {
      text += data;
      if (text.split("\n").length > 2) resolve(text);
    });
    child.on("exit", (code) => reject(new Error(`the server exited with ${code}: ${text}`)));
  });
  return { child, printed };
}

export const firstRun = {
  async "from the start of the program to the first recorded run within a minute"({ browser }) {
    const folder = mkdtempSync(join(tmpdir(), "belfry-first-"));
    const begun = Date.now();
    const { child, printed } = start(folder);
    try {
      const text = await printed;
      assert.match(text, /There is no administrator yet/);
      const page = await openPage(browser);
      await page.goto(text.match(/http:\/\/[^\s]+/)[0]);
      await page.waitForURL("**/setup");
      await page.fill("[name=name]", "alice");
      await page.fill("[name=password]", "bronze kettle 42");
      await page.fill("[name=repeat]", "bronze kettle 42");
      await page.click("main button");
      assert.equal(await page.locator(".steps > li").count(), 3);
      await page.click("#add-demo");
      await page.locator(".flash", { hasText: "Example tasks were added: 6" }).waitFor();
      await page.goto(new URL("/executions?task_id=demo-command&status=succeeded", page.url()).href);
      for (let tries = 0; tries < 300 && !(await page.locator("table tbody a[href^='/executions/']").count()); tries += 1) {
        await page.waitForTimeout(100);
        await page.reload();
      }
      await page.locator("table tbody a[href^='/executions/']").first().click();
      await page.locator("main", { hasText: "writing the report" }).waitFor();
      const seconds = (Date.now() - begun) / 1000;
      assert.ok(seconds < 60, `${seconds} s`);
      await page.goto(new URL("/", page.url()).href);
      await page.click("#remove-demo");
      await page.click("#dialog-body .btn-danger");
      await page.locator("#add-demo").waitFor();
      await page.context().close();
    } finally {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
