// What pages cost: requests, bytes and elements of a page, of an action and of a change. Times are measured by the benches.
import assert from "node:assert/strict";
import { api, echo, ended, rowAct } from "../lib.mjs";

const RUNS = 40;
/** Requests and bytes of a first visit, and elements of a page with 40 rows. */
const LIMITS = { requests: 8, kilobytes: 90, elements: 1900 };

/** Creates 40 tasks, some of them with 40 runs. */
async function fill(server) {
  for (let n = 10; n < 50; n += 1) await api(server, "POST", "/tasks", echo(`cost-${n}`, { tags: ["cost"], policy: { on_overlap: "allow" } }));
  let last;
  for (let n = 0; n < RUNS; n += 1) last = await api(server, "POST", "/tasks/cost-10/run", {});
  await ended(server, last.id);
}

export const speed = {
  async "a first visit takes few requests, bytes and elements"({ server, open }) {
    await fill(server);
    const page = await open();
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.clearBrowserCache");
    const seen = new Map();
    session.on("Network.responseReceived", ({ requestId, response }) => {
      const { pathname } = new URL(response.url);
      if (!pathname.startsWith("/live") && !response.url.startsWith("data:")) seen.set(requestId, { pathname, bytes: 0 });
    });
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => { if (seen.has(requestId)) seen.get(requestId).bytes = encodedDataLength; });
    await page.goto("/tasks?tag=cost", { waitUntil: "networkidle" }).catch(() => {});
    await page.locator("#live-status[data-state=live]").waitFor({ state: "attached" });
    await page.waitForTimeout(500);
    const all = Array.from(seen.values());
    const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
    const elements = await page.evaluate(() => document.querySelectorAll("*").length);
    const told = JSON.stringify(all);
    assert.ok(all.length >= 4 && all.length <= LIMITS.requests, `${all.length} requests: ${told}`);
    assert.ok(bytes > 20_000 && bytes <= LIMITS.kilobytes * 1024, `${bytes} bytes: ${told}`);
    assert.equal(await page.locator("tr[data-task]").count(), 40);
    assert.ok(elements <= LIMITS.elements, `${elements} elements`);
    const row = await page.evaluate(() => document.querySelector("tr[data-task=cost-10]").outerHTML.length);
    assert.ok(row <= 2000, `a row with 40 runs has ${row} characters`);
  },

  async "the row of an own action changes without the event stream"({ server, open }) {
    await api(server, "POST", "/tasks", echo("at-once"));
    const page = await open();
    await page.goto("/tasks?search=at-once");
    await page.locator("#live-status[data-state=live]").waitFor({ state: "attached" });
    // What the event stream reports comes late, since it is grouped: here it does not come at all.
    await page.evaluate(() => document.addEventListener("belfry:changes", (event) => event.stopImmediatePropagation(), true));
    const requests = [];
    page.on("request", (request) => requests.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await rowAct(page, "at-once", "pause");
    await page.locator("tr.is-paused").waitFor();
    assert.deepEqual(requests.filter((request) => !request.includes("/live")), ["POST /tasks/at-once/pause", "GET /tasks/-/rows"]);
  },

  async "a change replaces its cells alone"({ server, open }) {
    const CHANGES = 20;
    for (let n = 10; n < 50; n += 1) await api(server, "POST", "/tasks", echo(`busy-${n}`, { tags: ["busy"] }));
    const page = await open();
    await page.goto("/tasks?tag=busy");
    await page.locator("#live-status[data-state=live]").waitFor({ state: "attached" });
    const perRow = await page.evaluate(() => {
      window.added = 0;
      new MutationObserver((records) => {
        for (const { addedNodes } of records) for (const node of addedNodes) if (node.querySelectorAll) window.added += 1 + node.querySelectorAll("*").length;
      }).observe(document.body, { childList: true, subtree: true });
      const row = document.querySelector("tr[data-task=busy-10]");
      return 1 + row.querySelectorAll("*").length;
    });
    let fetched = 0;
    page.on("request", (request) => { if (!new URL(request.url()).pathname.startsWith("/live")) fetched += 1; });
    for (let n = 0; n < CHANGES; n += 1) await api(server, "PATCH", `/tasks/busy-${10 + n}`, { name: `change ${n}` });
    await page.locator(`tr[data-task=busy-${10 + CHANGES - 1}]`, { hasText: `change ${CHANGES - 1}` }).waitFor();
    const added = await page.evaluate(() => window.added);
    assert.ok(added >= CHANGES && added <= (CHANGES * perRow) / 2, `${added} elements for ${CHANGES} rows of ${perRow}`);
    assert.ok(fetched >= 1 && fetched <= CHANGES, `${fetched} requests for ${CHANGES} changes`);
  },
};
