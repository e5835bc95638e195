// Live updates: output and end of a run, cancellation, new rows, reconnection.
import assert from "node:assert/strict";
import { api, echo, ended, signIn, startServer } from "../lib.mjs";

const command = (id, text) => ({ id, type: "send_cmd", trigger: { type: "cron", expression: "0 8 * * *" }, params: { command: text } });

export const live = {
  async "live output of a run"({ server, open }) {
    const lines = "for i in 1 2 3 4 5; do printf '\\033[32mstep %s\\033[0m\\n' $i; sleep 0.3; done; echo over >&2";
    await api(server, "POST", "/tasks", command("watched", lines));
    const run = await api(server, "POST", "/tasks/watched/run", {});
    const page = await open();
    await page.goto(`/executions/${run.id}`);
    await page.locator("#output .ansi-2", { hasText: "step 5" }).waitFor();
    await page.locator("h1 .state-succeeded").waitFor();
    await page.locator("#output .out-stderr", { hasText: "over" }).waitFor();
    await page.fill("#find", "STEP");
    await page.locator("#found", { hasText: "1/5" }).waitFor();
    await page.keyboard.press("Enter");
    await page.locator("#found", { hasText: "2/5" }).waitFor();
  },

  async "ANSI colors continue across chunks"({ server, open }) {
    await api(server, "POST", "/tasks", command("coloured", "printf '\\033[31mfirst\\n'; sleep 2; printf 'second\\033['; sleep 2; printf '0mthird\\n'"));
    const run = await api(server, "POST", "/tasks/coloured/run", {});
    const page = await open();
    await page.goto(`/executions/${run.id}`);
    await page.locator("#output .ansi-1", { hasText: "second" }).waitFor();
    await page.locator("#output", { hasText: "third" }).waitFor();
    assert.equal(await page.locator("#output .ansi-1", { hasText: "third" }).count(), 0);
    assert.match(await page.locator("#output").textContent(), /second\s*third/);
  },

  async "cancel a run"({ server, open }) {
    await api(server, "POST", "/tasks", command("stopped", "sleep 60"));
    const run = await api(server, "POST", "/tasks/stopped/run", {});
    const page = await open();
    await page.goto(`/executions/${run.id}`);
    await page.locator("h1 .state-running").waitFor();
    await page.click("text=Cancel run");
    await page.locator("h1 .state-cancelled").waitFor();
    assert.equal((await ended(server, run.id)).status, "cancelled");
  },

  async "output of 150,000 lines"({ server, open }) {
    await api(server, "POST", "/tasks", command("long", "seq 1 150000"));
    const run = await api(server, "POST", "/tasks/long/run", {});
    await ended(server, run.id);
    const page = await open();
    await page.goto(`/executions/${run.id}`);
    await page.locator("#output", { hasText: /150000\s*$/ }).waitFor();
    const size = await page.evaluate(() => document.getElementById("output").textContent.length);
    assert.ok(size > 20_000 && size < 1_500_000, `${size} characters are shown`);
    await page.locator("#output .out-gap", { hasText: "lines are not shown" }).waitFor();
    await page.locator("#L1", { hasText: "1" }).waitFor();
    // The server searches what the page does not show.
    await page.locator("#find").click();
    await page.keyboard.type("77777");
    await page.locator("#output-found", { hasText: "1 lines of the whole output" }).waitFor();
    await page.click(".output-hits a");
    await page.waitForURL((url) => url.searchParams.get("line") === "77777");
    await page.locator("#L77777.is-target").waitFor();
    assert.ok(await page.locator("#L77777").isVisible());
    assert.equal(await page.locator("#L1").count(), 0);
  },

  async "output has line numbers and times, stderr alone, and its first error"({ server, open }) {
    const text = "seq 1 300; echo 'warning: slow' >&2; echo 'ERROR: broken' >&2; seq 301 600; printf 'half '; sleep 2; echo done; exit 1";
    await api(server, "POST", "/tasks", command("numbered", text));
    const run = await api(server, "POST", "/tasks/numbered/run", {});
    const page = await open({ viewport: { width: 1440, height: 900 } });
    await page.goto(`/executions/${run.id}`);
    await page.locator(".ln", { hasText: "half done" }).waitFor();
    await page.locator("h1 .state-failed").waitFor();
    const lines = await page.locator("#output .ln").count();
    assert.equal(lines, 603, "an unfinished line is continued");
    const gutter = await page.evaluate(() => getComputedStyle(document.getElementById("L603"), "::before").content);
    assert.equal(gutter, '"603"');
    await page.check("#line-times");
    assert.match(await page.locator("#L1").getAttribute("data-t"), /^\d\d:\d\d:\d\d\.\d{3}$/);
    await page.click("#first-error");
    await page.locator(".ln.is-target", { hasText: "ERROR: broken" }).waitFor();
    const seen = await page.evaluate(() => {
      const [line, box] = [document.querySelector(".is-target"), document.getElementById("output")].map((one) => one.getBoundingClientRect());
      return line.top >= box.top && line.bottom <= box.bottom;
    });
    assert.ok(seen, "the error is scrolled to");
    await page.check("#only-stderr");
    assert.equal(await page.locator("#output .ln:visible").count(), 2);
    await page.uncheck("#only-stderr");
    const height = (await page.locator("#output").boundingBox()).height;
    assert.ok(height > 500, `the output is ${height} high`);
    assert.equal(await page.locator(".run-side details:not([open])", { hasText: "Result" }).count(), 1, "the result of a command is folded");
    assert.ok((await page.locator(".run-line rect").count()) >= 1);
  },

  async "new executions are offered by a link"({ server, open }) {
    await api(server, "POST", "/tasks", echo("offered"));
    const page = await open();
    await page.goto("/executions?task_id=offered");
    await page.locator("#live-status[data-state=live]").waitFor({ state: "attached" });
    const run = await api(server, "POST", "/tasks/offered/run", {});
    await page.locator("#offer", { hasText: "new" }).waitFor();
    assert.equal(await page.locator("tr[data-execution]").count(), 0);
    await page.click("#offer");
    await page.locator(`tr[data-execution="${run.id}"]`).waitFor();
  },

  async "reconnection after a server restart"({ browser }) {
    const first = await startServer();
    await api(first, "POST", "/tasks", echo("away"));
    const page = await signIn(browser, first);
    await page.goto("/tasks?search=away");
    await page.locator("#live-status[data-state=live]").waitFor({ state: "attached" });
    await first.kill();
    await page.locator("#live-status:not([hidden])").waitFor();
    const second = await startServer({ port: new URL(first.url).port, folder: first.folder });
    await api(second, "POST", "/tasks/away/pause");
    await page.locator("#live-status[hidden][data-state=live]").waitFor({ state: "attached" });
    await page.locator("tr[data-task=away].is-paused").waitFor();
    await page.context().close();
    await second.stop();
  },
};
