// Pauses with an end and a reason, backfills, and explanations.
import assert from "node:assert/strict";
import { api, echo } from "../lib.mjs";

const daily = { type: "interval", days: 1, start_date: "2026-01-01 08:00", timezone: "Asia/Shanghai" };

/** Asks until the answer is right. */
async function until(ask) {
  for (let left = 200; left > 0; left -= 1) {
    if (await ask()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("waited too long");
}

export const pauses = {
  async "pause with an end and a reason from the dialog"({ server, open, allow }) {
    allow("422");
    await api(server, "POST", "/tasks", echo("stopped", { trigger: daily }));
    const page = await open();
    await page.goto("/tasks/stopped");
    await page.click("a[href='/tasks/stopped/pause']");
    await page.fill("#dialog [name='/until']", "2020-01-01T08:00:00");
    await page.fill("#dialog [name='/reason']", "stocktaking");
    await page.click("#dialog .btn-primary");
    await page.locator("#dialog .field-fault", { hasText: "future" }).waitFor();
    assert.equal(await page.inputValue("#dialog [name='/reason']"), "stocktaking", "what was typed stays");
    await page.fill("#dialog [name='/until']", "2035-01-01T08:00:00");
    await page.click("#dialog .btn-primary");
    await page.locator(".pause-note", { hasText: "stocktaking" }).waitFor();
    const paused = (await api(server, "GET", "/tasks/stopped")).paused;
    assert.deepEqual([paused.until, paused.reason, paused.by], ["2035-01-01T08:00:00.000+08:00", "stocktaking", "admin"]);
  },

  async "bulk pause with an end"({ server, open }) {
    for (const id of ["both-1", "both-2"]) await api(server, "POST", "/tasks", echo(id, { tags: ["both"] }));
    const page = await open();
    await page.goto("/tasks?tag=both");
    await page.check("#select-all");
    await page.click("#bulk [value=pause]");
    await page.fill("#bulk-until", "2035-01-01T08:00");
    await page.fill("#bulk-reason", "moving");
    await page.click("#dialog .btn-primary");
    await until(async () => (await api(server, "GET", "/tasks/both-2")).paused?.reason === "moving");
  },

  async "backfill of a span from the page"({ server, open }) {
    await api(server, "POST", "/tasks", echo("filled", { trigger: daily }));
    const page = await open();
    await page.goto("/tasks/filled");
    await page.click("a[href='/tasks/filled/occurrences']");
    await page.fill("#from", "2026-01-01T00:00:00");
    await page.fill("#to", "2026-01-04T00:00:00");
    await page.click("form[method=get] button:has-text('Show')");
    await page.locator("tbody tr", { hasText: "before the task existed" }).first().waitFor();
    await page.selectOption("#backfill-only", "all");
    await page.fill("[name='/concurrency']", "2");
    await page.click("button:has-text('Start backfill')");
    await page.locator("[data-backfill]").waitFor();
    const id = await page.getAttribute("[data-backfill]", "data-backfill");
    await until(async () => (await api(server, "GET", `/backfills/${id}`)).status === "finished");
    await page.reload();
    await page.locator(`[data-backfill='${id}']`, { hasText: "3 / 3" }).waitFor();
    assert.equal(await page.locator("tbody tr", { hasText: "Backfill" }).count() >= 3, true);
  },

  async "why a task does not run"({ server, open, allow }) {
    allow("422");
    await api(server, "POST", "/tasks", echo("asked", { trigger: { type: "cron", expression: "30 8 * * mon-fri", timezone: "Asia/Shanghai" } }));
    const page = await open();
    await page.goto("/tasks/asked");
    await page.fill("#why-at", "2035-01-06 08:30");
    await page.click("form[action='/tasks/asked/why'] button");
    await page.locator("[data-what=day]", { hasText: "Saturday" }).waitFor();
    assert.match(await page.innerText("main"), /does not run then/);
    await page.fill("#why-at", "soon");
    await page.click("form[action='/tasks/asked/why'] button");
    await page.locator(".alert-danger").waitFor();
  },
};
