// Queues on their page, the overview's trend, and the histogram of filtered executions.
import assert from "node:assert/strict";
import { api, echo, ended, type } from "../lib.mjs";

const slow = (id) => echo(id, { policy: { queue: "slow", on_overlap: "allow" } });
const row = (page, name) => page.locator("tr", { has: page.locator("code", { hasText: name }) });
const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

export const queues = {
  async "queue: paused, resized by typing and resumed; what waits then runs"({ server, open, allow }) {
    allow("422");
    await api(server, "POST", "/tasks", slow("queued-slow"));
    const page = await open({ viewport: { width: 1440, height: 900 } });
    await page.goto("/settings/queues");
    await row(page, "slow").getByRole("button", { name: "Pause the queue slow" }).click();
    await page.locator("#toasts", { hasText: "The queue slow is paused" }).waitFor();
    await row(page, "slow").locator(".badge", { hasText: "paused" }).waitFor();
    const run = await api(server, "POST", "/tasks/queued-slow/run", {});
    // A run of another queue that was asked for later has ended.
    await api(server, "POST", "/tasks", echo("queued-elsewhere"));
    await ended(server, (await api(server, "POST", "/tasks/queued-elsewhere/run", {})).id);
    assert.equal((await api(server, "GET", `/executions/${run.id}`)).status, "queued");
    await row(page, "slow").locator("td[data-label=Waiting]", { hasText: "1" }).waitFor();
    await row(page, "slow").getByRole("link", { name: "Change limit of the queue slow" }).click();
    await page.locator("#dialog #field-limit").waitFor();
    await type(page, "#field-limit", "0");
    await page.keyboard.press("Enter");
    await page.locator("#dialog .field-fault", { hasText: "between 1 and 10000" }).waitFor();
    await type(page, "#field-limit", "2");
    await page.keyboard.press("Enter");
    await row(page, "slow").locator("td", { hasText: "belfry.toml: 16" }).waitFor();
    await page.goto("/");
    await page.locator("#queues-title ~ *, .item-list li", { hasText: "0 running of 2 on each node" }).first().waitFor();
    await page.goto("/settings/queues");
    await row(page, "slow").getByRole("button", { name: "Resume the queue slow" }).click();
    assert.equal((await ended(server, run.id)).status, "succeeded");
    await row(page, "slow").locator(".badge", { hasText: "open" }).waitFor();
    const { items } = await api(server, "GET", "/audit?target=queue%3Aslow");
    assert.deepEqual(items.map((entry) => entry.action), ["queue.resume", "queue.resize", "queue.pause"]);
  },

  async "queue: on a phone in Chinese, in the dark"({ open }) {
    const page = await open({ locale: "zh-CN", colorScheme: "dark", viewport: { width: 360, height: 740 } });
    await page.goto("/settings/queues");
    assert.ok(await fits(page), "nothing is wider than the phone");
    await page.getByRole("button", { name: "暂停队列 slow" }).click();
    await page.getByRole("button", { name: "恢复队列 slow" }).click();
    await page.getByRole("button", { name: "暂停队列 slow" }).waitFor();
    await page.goto("/");
    assert.ok(await fits(page), "nor on the overview");
    await page.getByRole("link", { name: "30 天" }).click();
    await page.locator("a[aria-current=true]", { hasText: "30 天" }).waitFor();
  },

  async "overview: the range of the trend is chosen by a link and kept"({ server, open }) {
    await api(server, "POST", "/tasks", echo("trended", { policy: { on_overlap: "allow" } }));
    await ended(server, (await api(server, "POST", "/tasks/trended/run", {})).id);
    for (const viewport of [{ width: 1440, height: 900 }, { width: 1280, height: 800 }]) {
      const page = await open({ viewport });
      const card = page.locator("section", { has: page.locator("#trend-title") });
      assert.equal(await card.locator("[aria-current=true]").textContent(), "24 h");
      await card.getByRole("link", { name: "7 d", exact: true }).click();
      await card.locator("[aria-current=true]", { hasText: "7 d" }).waitFor();
      assert.equal(await card.locator("svg.chart > a, svg.chart > g").count(), 28);
      await card.locator(".trend-success", { hasText: "succeeded" }).waitFor();
      await page.goto("/");
      assert.equal(await card.locator("[aria-current=true]").textContent(), "7 d", "kept");
      await card.locator("svg.chart > a").last().click();
      await page.waitForURL((url) => url.pathname === "/executions" && url.searchParams.has("from"));
    }
  },

  async "executions of one task have a histogram whose bars keep the filter"({ server, open }) {
    await api(server, "POST", "/tasks", echo("counted-one", { policy: { on_overlap: "allow" } }));
    for (let n = 0; n < 3; n += 1) await ended(server, (await api(server, "POST", "/tasks/counted-one/run", {})).id);
    const page = await open({ viewport: { width: 1440, height: 900 } });
    await page.goto("/executions");
    await type(page, "#search", "task:counted-one");
    await page.locator(".status-tab", { hasText: "Succeeded" }).locator(".tab-count", { hasText: /^3$/ }).waitFor();
    await page.locator(".histogram svg a").last().click();
    await page.waitForURL((url) => url.searchParams.has("from") && url.searchParams.get("search") === "task:counted-one");
    await page.locator("tr[data-execution]").nth(2).waitFor();
    assert.equal(await page.locator("tr[data-execution]").count(), 3);
  },
};
