// Lists: filters, pagination, downloads.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { api, echo, ended, signIn, startServer } from "../lib.mjs";

const rows = (page, kind) => page.locator(`tr[data-${kind}]`);

export const lists = {
  async "tasks list: pagination, filters and sorting"({ server, open }) {
    for (let number = 0; number < 45; number += 1) {
      await api(server, "POST", "/tasks", echo(`page-${String(number).padStart(2, "0")}`, { tags: ["paged"], enabled: number !== 7 }));
    }
    const page = await open();
    await page.goto("/tasks?tag=paged");
    assert.equal(await rows(page, "task").count(), 40);
    await page.click("a[rel=next]");
    await page.locator("tr[data-task=page-44]").waitFor();
    assert.equal(await rows(page, "task").count(), 5);
    await page.click("a[rel=prev]");
    await page.locator("tr[data-task=page-00]").waitFor();
    await page.fill("#search", "enabled:no tag:paged");
    await page.locator("#list", { hasText: "1 total" }).waitFor();
    assert.equal(await rows(page, "task").first().getAttribute("data-task"), "page-07");
    assert.match(page.url(), /search=enabled/);
    await page.goto("/tasks?tag=paged");
    await page.click("th[aria-sort=ascending] a");
    await page.locator("th[aria-sort=descending]").waitFor();
    assert.equal(await rows(page, "task").first().getAttribute("data-task"), "page-44");
    await page.goBack();
    await page.locator("th[aria-sort=ascending]").waitFor();
  },

  async "executions list: filters, pagination and downloads"({ server, open }) {
    await api(server, "POST", "/tasks", echo("logged", { policy: { on_overlap: "allow" } }));
    let last;
    for (let number = 0; number < 42; number += 1) last = await api(server, "POST", "/tasks/logged/run", {});
    await ended(server, last.id);
    const page = await open();
    await page.goto("/executions?task_id=logged");
    assert.equal(await rows(page, "execution").count(), 40);
    await page.click("a[rel=next]");
    await page.locator("a[rel=prev]").waitFor();
    assert.equal(await rows(page, "execution").count(), 2);
    await page.goto("/executions?search=task:logged+status:failed");
    await page.locator("#list", { hasText: "Nothing matches" }).waitFor();
    await page.goto("/executions?task_id=logged");
    await page.click(".ranges a:has-text('Today')");
    await page.locator(".ranges a[aria-current]", { hasText: "Today" }).waitFor();
    for (const [name, count] of [["CSV", (text) => text.trim().split("\r\n").length - 1], ["JSON", (text) => JSON.parse(text).length]]) {
      const [download] = await Promise.all([page.waitForEvent("download"), page.click(`.ranges a:has-text("${name}")`)]);
      assert.equal(count(readFileSync(await download.path(), "utf8")), 42, name);
    }
  },

  async "100,000 executions are listed quickly"({ browser }) {
    if (!process.env.LONG_PAST) return "LONG_PAST is not set to a data directory with many executions (cargo test --test browser creates one)";
    const server = await startServer({ folder: process.env.LONG_PAST });
    try {
      const page = await signIn(browser, server);
      await page.goto("/executions");
      await page.locator("#list", { hasText: "or more" }).waitFor();
      for (let turn = 0; turn < 5; turn += 1) {
        const lastId = await rows(page, "execution").last().getAttribute("data-execution");
        await page.click("a[rel=next]");
        await page.locator(`tr[data-execution="${lastId}"]`).waitFor({ state: "detached" });
        assert.equal(await rows(page, "execution").count(), 40);
      }
      const begun = Date.now();
      for (const path of ["/", "/executions?search=task:past-3+status:failed", "/executions?status=failed&task_id=past-0", "/calendar", "/calendar?view=month"]) {
        await page.goto(path);
      }
      assert.ok(Date.now() - begun < 10_000, `five pages took ${Date.now() - begun} ms`);
      await page.goto("/executions?search=status:failed");
      assert.equal(await rows(page, "execution").count(), 40);
      const [download] = await Promise.all([page.waitForEvent("download"), page.click(".ranges a:has-text('CSV')")]);
      assert.equal(readFileSync(await download.path(), "utf8").trim().split("\r\n").length, 5001);
      await page.context().close();
    } finally {
      await server.end();
    }
  },

  async "calendar and overview link to the executions they count"({ server, open }) {
    await api(server, "POST", "/tasks", echo("counted"));
    const run = await api(server, "POST", "/tasks/counted/run", {});
    await ended(server, run.id);
    const page = await open();
    await page.goto("/");
    await page.locator(".chart a").last().click();
    await page.waitForURL((url) => url.pathname === "/executions" || url.pathname === "/tasks");
    await page.goto("/calendar");
    await page.locator(".is-today .cal-runs").first().click();
    await page.waitForURL((url) => url.pathname === "/executions" && url.searchParams.has("from"));
    assert.ok((await rows(page, "execution").count()) > 0);
    await page.goto("/calendar?view=month&task=counted");
    await page.locator(".cal-planned", { hasText: "counted" }).first().waitFor();
  },
};
