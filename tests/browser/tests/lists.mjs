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

  async "tasks are one line each: 20 at 1440×900, 14 at 1280×800, 72 px on a phone"({ server, open }) {
    for (let n = 10; n < 50; n += 1) await api(server, "POST", "/tasks", echo(`line-${n}`, { name: `A rather long name of the task ${n}`, tags: ["line", "second-tag"] }));
    // Their banner would take the place of rows.
    for (const { id } of await api(server, "GET", "/freezes")) await api(server, "DELETE", `/freezes/${id}`);
    const shown = (page) => page.evaluate(() => {
      const boxes = Array.from(document.querySelectorAll("tr[data-task]"), (row) => row.getBoundingClientRect());
      return { heights: Array.from(new Set(boxes.map((box) => Math.round(box.height)))), whole: boxes.filter((box) => box.top >= 0 && box.bottom <= innerHeight).length };
    });
    for (const [width, height, least] of [[1440, 900, 20], [1280, 800, 14]]) {
      const page = await open({ viewport: { width, height } });
      await page.goto("/tasks?tag=line");
      const { heights, whole } = await shown(page);
      assert.ok(heights.length === 1 && heights[0] >= 36 && heights[0] <= 40, `${width}: ${heights}`);
      assert.ok(whole >= least, `${whole} tasks at ${width}×${height}`);
      await page.mouse.move(width / 2, height / 2);
      await page.mouse.wheel(0, 500);
      await page.waitForFunction(() => scrollY > 300);
      const [header, head] = await page.evaluate(() => [".top", ".list > thead th"].map((one) => document.querySelector(one).getBoundingClientRect()));
      assert.ok(Math.abs(head.top - header.bottom) < 2, `the header of the table is at ${head.top}`);
    }
    const phone = await open({ viewport: { width: 360, height: 740 } });
    await phone.goto("/tasks?tag=line");
    const { heights } = await shown(phone);
    assert.ok(heights.every((height) => height >= 68 && height <= 76), `on a phone: ${heights}`);
    assert.equal(await phone.locator("#f-type").isVisible(), false, "filters are in a sheet");
    await phone.click(".filter-open");
    await phone.selectOption("#f-enabled", "false");
    await phone.locator("#list", { hasText: "Nothing matches" }).waitFor();
    await phone.keyboard.press("Escape");
    await phone.locator("#f-type").waitFor({ state: "hidden" });
  },

  async "rows per page, height and columns are kept for the reader"({ server, open }) {
    for (let n = 10; n < 35; n += 1) await api(server, "POST", "/tasks", echo(`kept-${n}`, { tags: ["kept"] }));
    const page = await open({ viewport: { width: 1600, height: 900 } });
    await page.goto("/tasks?tag=kept");
    await page.locator(".c-rule").first().waitFor();
    await page.click(".display > summary");
    await page.selectOption("#display-size", "20");
    await page.selectOption("#display-density", "comfortable");
    await page.uncheck(".display [value=rule]");
    await page.click(".display .btn-primary");
    await page.locator(".list.is-comfortable").waitFor();
    assert.match(page.url(), /tag=kept/);
    assert.equal(await rows(page, "task").count(), 20);
    assert.equal(await page.locator(".c-rule").first().isVisible(), false);
    assert.equal((await rows(page, "task").first().boundingBox()).height, 40);
    await page.goto("/executions");
    assert.equal(await page.locator(".display [value=rule]").isChecked(), true, "the other list has columns of its own");
  },

  async "an error is shown in the full width of the list"({ server, open }) {
    const text = `first ${"word ".repeat(30)}end`;
    await api(server, "POST", "/tasks", echo("full-width", { params: { message: "x", fail: `${text}\nsecond line` } }));
    const run = await api(server, "POST", "/tasks/full-width/run", {});
    await ended(server, run.id);
    for (const viewport of [{ width: 1440, height: 900 }, { width: 360, height: 740 }]) {
      const page = await open({ viewport });
      await page.goto("/executions?task_id=full-width");
      const line = page.locator(".error-line").first();
      assert.equal((await line.textContent()).includes(text), true);
      const [box, list] = [await line.boundingBox(), await page.locator(".list").boundingBox()];
      assert.ok(box.width > list.width * 0.9 && box.x + box.width <= list.x + list.width, JSON.stringify([box, list]));
    }
  },

  async "executions by status and over time: tabs, a span drawn on the histogram, sorting"({ server, open }) {
    await api(server, "POST", "/tasks", echo("bench", { policy: { on_overlap: "allow" } }));
    await api(server, "POST", "/tasks", echo("bench-bad", { params: { message: "x", fail: "broken" } }));
    for (const id of ["bench", "bench", "bench-bad"]) await ended(server, (await api(server, "POST", `/tasks/${id}/run`, {})).id);
    const page = await open({ viewport: { width: 1440, height: 900 } });
    await page.goto("/executions");
    await page.locator(".status-tab", { hasText: "Failed" }).first().click();
    await page.waitForURL((url) => url.searchParams.get("status") === "failed" && url.searchParams.get("range") === "day");
    assert.equal(await page.locator("tr[data-execution] .state-succeeded").count(), 0);
    await page.goto("/executions?range=hour");
    const bar = await page.locator(".histogram a").last().boundingBox();
    const chart = await page.locator(".histogram svg").boundingBox();
    await page.mouse.move(bar.x + 1, chart.y + 10);
    await page.mouse.down();
    await page.mouse.move(bar.x - 40, chart.y + 15, { steps: 5 });
    await page.locator(".brush").waitFor();
    await page.mouse.up();
    await page.waitForURL((url) => url.searchParams.has("from") && url.searchParams.has("to") && !url.searchParams.has("range"));
    const [from, to] = await page.evaluate(() => ["from", "to"].map((name) => Date.parse(new URL(location.href).searchParams.get(name))));
    assert.ok(to - from >= 2 * 60_000 && to - from <= 15 * 60_000, `${(to - from) / 60_000} minutes`);
    assert.ok((await rows(page, "execution").count()) > 0);
    await page.goto("/executions?search=task:bench");
    await page.click("th.c-duration a");
    await page.locator("th.c-duration[aria-sort=descending]").waitFor();
    await page.click("#list p a:has-text('Newest first')");
    await page.waitForURL((url) => !url.searchParams.get("sort"));
  },

  async "selected executions are run again and cancelled"({ server, open }) {
    await api(server, "POST", "/tasks", echo("chosen", { policy: { on_overlap: "allow" } }));
    for (let n = 0; n < 3; n += 1) await ended(server, (await api(server, "POST", "/tasks/chosen/run", {})).id);
    const page = await open();
    await page.goto("/executions?task_id=chosen");
    await page.locator(".cell-select [name=id]").nth(0).check();
    await page.locator(".cell-select [name=id]").nth(1).check();
    await page.locator("#selected-count", { hasText: "2 selected" }).waitFor();
    await page.click("#bulk [value=rerun]");
    await page.locator("#dialog h1", { hasText: "Run 2 executions again?" }).waitFor();
    await page.click("#dialog .btn-primary");
    await page.locator("#toasts", { hasText: "Done: 2 executions." }).waitFor();
    await page.waitForFunction(() => document.querySelectorAll("tr[data-execution]").length === 5);
    await api(server, "POST", "/tasks", { id: "chosen-slow", type: "send_cmd", trigger: { type: "cron", expression: "0 8 * * *" }, params: { command: "sleep 60" } });
    const slow = await api(server, "POST", "/tasks/chosen-slow/run", {});
    await page.goto("/executions?task_id=chosen-slow");
    await page.locator(".cell-select [name=id]").first().check();
    await page.click("#bulk [value=cancel]");
    await page.click("#dialog .btn-danger");
    assert.equal((await ended(server, slow.id)).status, "cancelled");
  },

  async "the list follows new executions if the reader wants it"({ server, open }) {
    await api(server, "POST", "/tasks", echo("followed-list", { policy: { on_overlap: "allow" } }));
    const page = await open();
    await page.goto("/executions?task_id=followed-list");
    await page.locator("#live-status[data-state=live]").waitFor({ state: "attached" });
    await page.check("#follow-list");
    const run = await api(server, "POST", "/tasks/followed-list/run", {});
    await page.locator(`tr[data-execution="${run.id}"]`).waitFor();
    await page.reload();
    assert.equal(await page.isChecked("#follow-list"), true);
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
