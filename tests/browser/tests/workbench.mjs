// Charts of a task, the calendar, and what a page shows while it waits.
import assert from "node:assert/strict";
import { api, echo, ended } from "../lib.mjs";

export const workbench = {
  async "durations of a task have an axis, median, percentile and marked outliers"({ server, open }) {
    await api(server, "POST", "/tasks", echo("charted", { policy: { on_overlap: "allow" }, params: { message: "x", sleep_ms: 5 } }));
    for (let n = 0; n < 8; n += 1) await ended(server, (await api(server, "POST", "/tasks/charted/run", {})).id);
    for (const viewport of [{ width: 1440, height: 900 }, { width: 360, height: 740 }]) {
      const page = await open({ viewport });
      await page.goto("/tasks/charted");
      const chart = page.locator(".run-chart").first();
      assert.equal(await chart.locator("svg a").count(), 8);
      assert.equal(await chart.locator(".chart-axis span").count(), 3);
      await page.locator(".chart-key", { hasText: "median" }).first().waitFor();
      await page.locator(".chart-key", { hasText: "95 % within" }).first().waitFor();
      const line = await page.locator(".run-chart").nth(1).locator(".chart-line").getAttribute("d");
      assert.match(line, /^M5 \d+L15 \d+/, "start delays are a line");
      await chart.locator("svg a").last().click();
      await page.waitForURL("**/executions/*");
    }
  },

  async "calendar: heat, a day to scale, a crowded minute that moves"({ server, open }) {
    for (let n = 0; n < 6; n += 1) await api(server, "POST", "/tasks", echo(`crowd-${n}`, { trigger: { type: "cron", expression: "30 3 * * *" } }));
    const page = await open({ viewport: { width: 1440, height: 900 } });
    await page.goto("/calendar?view=month");
    await page.locator("td.heat-5").first().waitFor();
    await page.locator(".is-today + td .cal-day, tr + tr .cal-day").first().click();
    await page.waitForURL((url) => url.searchParams.get("view") === "day");
    await page.goto("/calendar");
    const next = await page.locator("a.cal-peak", { hasText: "03:30" }).last().getAttribute("href");
    await page.goto(next);
    await page.locator("h1", { hasText: "6 runs start" }).waitFor();
    await page.locator("tr", { hasText: "crowd-2" }).locator("button").click();
    await page.locator(".flash", { hasText: "crowd-2 → 03:" }).waitFor();
    assert.match((await api(server, "GET", "/tasks/crowd-2")).trigger.expression, /^(29|31) 3 \* \* \*$/);
    const day = new URL(next, server.url).searchParams.get("at").slice(0, 10);
    await page.goto(`/calendar?view=day&date=${day}&task=crowd-2`);
    assert.ok((await page.locator(".day-line rect").count()) >= 1);
    assert.ok(await page.locator(".day-table th", { hasText: "crowd-2" }).isVisible());
  },

  async "waiting is marked, and errors stay until dismissed"({ server, open, allow }) {
    allow("500");
    allow("Failed to load");
    for (let n = 10; n < 60; n += 1) await api(server, "POST", "/tasks", echo(`slow-${n}`, { tags: ["slow"] }));
    const page = await open();
    await page.goto("/tasks?tag=slow");
    // The answer comes once the mark is there.
    let answer;
    const marked = new Promise((resolve) => { answer = resolve; });
    await page.route(/cursor=/, async (route) => { await marked; await route.continue(); });
    await page.click("a[rel=next]");
    await page.locator(".busy-bar:not([hidden])").waitFor();
    answer();
    await page.locator("a[rel=prev]").waitFor();
    await page.locator(".busy-bar").waitFor({ state: "hidden" });
    await page.route(/slow-5\d\/pause/, (route) => route.fulfill({ status: 500, body: "" }));
    await page.click("tr[data-task=slow-55] [data-menu]");
    await page.click("#row-menu [data-act=pause]");
    const message = page.locator("#toasts .alert-danger");
    await message.waitFor();
    await page.waitForTimeout(10_000);
    assert.ok(await message.isVisible(), "the error is still there");
    await message.locator(".toast-close").click();
    await message.waitFor({ state: "detached" });
  },

  async "tables stay tables in print, and the API docs follow the theme"({ server, open }) {
    await api(server, "POST", "/tasks", echo("printed-row"));
    const page = await open({ colorScheme: "dark" });
    await page.goto("/tasks?search=printed-row");
    await page.setViewportSize({ width: 680, height: 900 });
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector("tr[data-task]")).display), "grid");
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector("tr[data-task]")).display), "table-row");
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".list > thead")).display), "table-header-group");
    await page.emulateMedia({ media: "screen", colorScheme: "dark" });
    await page.goto("/docs");
    await page.locator(".house-header a", { hasText: "Executions" }).waitFor();
    const [red] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.ok(red < 80, "the page is dark");
    await page.click(".house-header a[href='tasks']");
    await page.waitForURL("**/tasks");
  },
};
