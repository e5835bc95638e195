// What a reader does not see at once: a hidden page, the focus where a row is drawn anew, a page open all day, and paper.
import assert from "node:assert/strict";
import { api, echo, ended } from "../lib.mjs";

const live = (page) => page.locator("#live-mark[data-state=live]").waitFor({ state: "attached" });

/** What a browser tells a page that is put behind another, or fetched back. Headless, all pages are looked at. */
const turn = (page, hidden) =>
  page.evaluate((now) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => now });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

/** Counts what the page asks the server for. */
function requests(page) {
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  return asked;
}

export const attention = {
  async "a hidden page asks for nothing, and is right when it is looked at again"({ server, open }) {
    await api(server, "POST", "/tasks", echo("behind"));
    const page = await open();
    await page.goto("/tasks?search=behind");
    await live(page);
    await turn(page, true);
    const asked = requests(page);
    await api(server, "POST", "/tasks/behind/pause");
    const run = await api(server, "POST", "/tasks/behind/run", {});
    await ended(server, run.id);
    await page.waitForTimeout(2500);
    assert.deepEqual(asked, []);
    assert.equal(await page.locator("[aria-label='Pause behind']").count(), 1, "nothing was drawn");
    await turn(page, false);
    await page.locator("[aria-label='Resume behind']").waitFor();
    assert.deepEqual(new Set(asked), new Set(["/tasks/-/rows"]));
  },

  async "the focus and the scroll stay where they are while rows change"({ server, open }) {
    for (let n = 10; n < 40; n += 1) await api(server, "POST", "/tasks", echo(`focus-${n}`));
    // Without scrolling that takes its time.
    const page = await open({ reducedMotion: "reduce" });
    await page.goto("/tasks?search=focus-");
    await live(page);
    await page.locator("[aria-label='Edit focus-25']").focus();
    const before = await page.evaluate(() => scrollY);
    assert.ok(before > 0, "the row is further down");
    await api(server, "POST", "/tasks/focus-25/pause");
    await page.locator("[aria-label='Resume focus-25']").waitFor();
    const label = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    assert.equal(await label(), "Edit focus-25");
    assert.equal(await page.evaluate(() => scrollY), before);
    // A page whose parts are drawn anew keeps it too.
    await page.goto("/tasks/focus-35");
    await live(page);
    await page.locator("a[data-key=e]").focus();
    await api(server, "PATCH", "/tasks/focus-35", { name: "Drawn anew" });
    await page.locator("h1", { hasText: "Drawn anew" }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.dataset.key), "e");
  },

  async "what is typed is not lost to a change elsewhere"({ server, open }) {
    await api(server, "POST", "/tasks", echo("typed"));
    const page = await open();
    await page.goto("/tasks");
    await live(page);
    await page.locator("#search").pressSequentially("typed", { delay: 60 });
    await api(server, "POST", "/tasks/typed/pause");
    await page.locator("[aria-label='Resume typed']").waitFor();
    assert.equal(await page.inputValue("#search"), "typed");
    assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  },

  async "a page left open stays light"({ server, open }) {
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

  async "an execution is printed whole, in dark as in light"({ server, open }) {
    const command = "seq 1 400; echo over >&2";
    await api(server, "POST", "/tasks", { id: "printed", type: "send_cmd", trigger: { type: "cron", expression: "0 8 * * *" }, params: { command } });
    const run = await api(server, "POST", "/tasks/printed/run", {});
    await ended(server, run.id);
    for (const colorScheme of ["light", "dark"]) {
      const page = await open({ colorScheme });
      await page.goto(`/executions/${run.id}`);
      await page.locator("#output", { hasText: /400/ }).waitFor();
      await page.emulateMedia({ media: "print", colorScheme });
      const look = await page.evaluate(() => {
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
      assert.equal(look.cut, false, "all lines are on the paper");
      assert.deepEqual(look.colours, ["rgb(0, 0, 0)", "rgb(255, 255, 255)", "rgb(255, 255, 255)"]);
      assert.deepEqual(look.controls, [], "nothing to click on paper");
      const pages = (await page.pdf({ format: "A4" })).toString("latin1").match(/\/Type\s*\/Page\b/g).length;
      assert.ok(pages > 3, `${pages} pages hold 400 lines`);
    }
  },
};
