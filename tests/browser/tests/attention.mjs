// Hidden pages, focus and scroll position during updates, memory of long-open pages, and printing.
import assert from "node:assert/strict";
import { api, echo, ended } from "../lib.mjs";

const live = (page) => page.locator("#live-status[data-state=live]").waitFor({ state: "attached" });

/** Simulates that the page becomes hidden or visible; headless pages are always visible. */
const turn = (page, hidden) =>
  page.evaluate((now) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => now });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

/** Records the paths of the page's requests. */
function requests(page) {
  const requestPaths = [];
  page.on("request", (request) => requestPaths.push(new URL(request.url()).pathname));
  return requestPaths;
}

export const attention = {
  async "a hidden page sends no requests and catches up when visible"({ server, open }) {
    await api(server, "POST", "/tasks", echo("behind"));
    const page = await open();
    await page.goto("/tasks?search=behind");
    await live(page);
    await turn(page, true);
    const requestPaths = requests(page);
    await api(server, "POST", "/tasks/behind/pause");
    const run = await api(server, "POST", "/tasks/behind/run", {});
    await ended(server, run.id);
    await page.waitForTimeout(2500);
    assert.deepEqual(requestPaths, []);
    assert.equal(await page.locator("tr[data-task=behind]:not(.is-paused)").count(), 1, "the row was not updated");
    await turn(page, false);
    await page.locator("tr[data-task=behind].is-paused").waitFor();
    assert.deepEqual(new Set(requestPaths), new Set(["/live", "/tasks/-/rows"]));
  },

  async "focus and scroll position are kept during updates"({ server, open }) {
    for (let n = 10; n < 40; n += 1) await api(server, "POST", "/tasks", echo(`focus-${n}`));
    // Without smooth scrolling.
    const page = await open({ reducedMotion: "reduce", viewport: { width: 1360, height: 500 } });
    await page.goto("/tasks?search=focus-");
    await live(page);
    await page.locator("[aria-label='Run focus-25 now']").focus();
    const before = await page.evaluate(() => scrollY);
    assert.ok(before > 0, "the row is further down");
    await api(server, "POST", "/tasks/focus-25/pause");
    await page.locator("tr[data-task=focus-25].is-paused").waitFor();
    const label = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    assert.equal(await label(), "Run focus-25 now");
    assert.equal(await page.evaluate(() => scrollY), before);
    // Pages whose content is reloaded keep the focus too.
    await page.goto("/tasks/focus-35");
    await live(page);
    await page.locator("a[data-key=e]").focus();
    await api(server, "PATCH", "/tasks/focus-35", { name: "Renamed" });
    await page.locator("h1", { hasText: "Renamed" }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.dataset.key), "e");
  },

  async "input in the search field is kept during updates"({ server, open }) {
    await api(server, "POST", "/tasks", echo("searched"));
    const page = await open();
    await page.goto("/tasks");
    await live(page);
    await page.locator("#search").pressSequentially("searched", { delay: 60 });
    await api(server, "POST", "/tasks/searched/pause");
    await page.locator("tr[data-task=searched].is-paused").waitFor();
    assert.equal(await page.inputValue("#search"), "searched");
    assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  },

  async "memory of a long-open page is bounded"({ server, open }) {
    await api(server, "POST", "/tasks", echo("busy"));
    const page = await open();
    await page.goto("/tasks?search=busy");
    await live(page);
    const session = await page.context().newCDPSession(page);
    const weight = async () => {
      await session.send("HeapProfiler.collectGarbage");
      const { nodes, jsEventListeners, documents } = await session.send("Memory.getDOMCounters");
      return { nodes, jsEventListeners, documents };
    };
    const change = async (times) => {
      for (let n = 0; n < times; n += 1) {
        const text = `round ${n} of ${times}`;
        await api(server, "PATCH", "/tasks/busy", { name: text });
        await page.locator(".cell-sub", { hasText: text }).waitFor();
      }
    };
    await change(3);
    const before = await weight();
    await change(15);
    const after = await weight();
    for (const [kind, count] of Object.entries(after)) assert.ok(count <= before[kind] * 1.1 + 20, `${kind}: ${before[kind]}, then ${count}`);
  },

  async "printing an execution in both themes"({ server, open }) {
    const command = "seq 1 400; echo over >&2";
    await api(server, "POST", "/tasks", { id: "printed", type: "send_cmd", trigger: { type: "cron", expression: "0 8 * * *" }, params: { command } });
    const run = await api(server, "POST", "/tasks/printed/run", {});
    await ended(server, run.id);
    for (const colorScheme of ["light", "dark"]) {
      const page = await open({ colorScheme });
      await page.goto(`/executions/${run.id}`);
      await page.locator("#output", { hasText: /400/ }).waitFor();
      await page.emulateMedia({ media: "print", colorScheme });
      const printed = await page.evaluate(() => {
        const output = document.getElementById("output");
        const style = getComputedStyle(output);
        const shown = (element) => element.getClientRects().length > 0;
        const controls = Array.from(document.querySelectorAll("header, footer, main .btn, main button, main form, main input, main label"));
        return {
          cut: output.scrollHeight - output.clientHeight > 2,
          colours: [style.color, style.backgroundColor, getComputedStyle(document.body).backgroundColor],
          controls: controls.filter(shown).map((element) => element.outerHTML.slice(0, 120)),
        };
      });
      assert.equal(printed.cut, false, "all lines are printed");
      assert.deepEqual(printed.colours, ["rgb(0, 0, 0)", "rgb(255, 255, 255)", "rgb(255, 255, 255)"]);
      assert.deepEqual(printed.controls, [], "no controls in print");
      const pages = (await page.pdf({ format: "A4" })).toString("latin1").match(/\/Type\s*\/Page\b/g).length;
      assert.ok(pages > 3, `${pages} pages hold 400 lines`);
    }
  },
};
