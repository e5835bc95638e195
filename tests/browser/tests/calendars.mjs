// Calendars and freezes: the year, the form, an import whose firings are shown first, and the banner of a freeze.
import assert from "node:assert/strict";
import { api, echo } from "../lib.mjs";

const daily = (id, calendar) => echo(id, { calendar, trigger: { type: "cron", hour: 8, timezone: "Asia/Shanghai" } });
const day = (ahead) => new Date(Date.now() + ahead * 86_400_000 + 8 * 3_600_000).toISOString().slice(0, 10);

export const calendars = {
  async "the year of the built-in calendar"({ open }) {
    const page = await open();
    await page.goto("/calendars");
    await page.click("th a:has-text('cn')");
    await page.goto("/calendars/cn?year=2026");
    const cell = (date) => page.locator(`td:has(time[datetime="${date}"])`);
    assert.equal(await page.locator(".year-month").count(), 12);
    assert.equal(await cell("2026-10-01").getAttribute("title"), "National Day");
    assert.match(await cell("2026-10-01").getAttribute("class"), /is-off/);
    assert.match(await cell("2026-10-10").getAttribute("class"), /is-work/, "the make-up Saturday");
    await page.goto("/calendars/cn?year=2100");
    await page.locator(".alert-warning", { hasText: "2100" }).first().waitFor();
    assert.match(await cell("2100-01-04").getAttribute("class"), /is-provisional/);
  },

  async "create a calendar and change it, with and without JavaScript"({ server, open, allow }) {
    allow("422");
    for (const javaScriptEnabled of [true, false]) {
      const name = `team-${javaScriptEnabled}`;
      const page = await open({ javaScriptEnabled });
      await page.goto("/calendars/-/new");
      await page.fill("[name='/name']", name);
      await page.selectOption("[name='/base']", "every_day");
      await page.fill("[name='/closures']", "some time");
      await page.click("main form button");
      await page.locator("#fault-closures", { hasText: "cannot read 'some time'" }).waitFor();
      await page.fill("[name='/closures']", "Sat 22:00-Sun 02:00 | Maintenance");
      await page.click("main form button");
      await page.locator(".flash").waitFor();
      await api(server, "POST", "/tasks", daily(`of-${name}`, name));
      await page.goto(`/calendars/${name}/edit`);
      await page.fill("[name='/dates']", `${day(1)}..${day(3)} off Closed days`);
      await page.click("main form button");
      await page.locator("main form th", { hasText: `of-${name}` }).waitFor();
      assert.deepEqual((await api(server, "GET", `/calendars/${name}`)).dates, [], "nothing is saved yet");
      await page.click("main form button:has-text('Apply')");
      await page.locator(".flash").waitFor();
      const saved = await api(server, "GET", `/calendars/${name}`);
      assert.deepEqual(saved.dates, [{ date: day(1), until: day(3), working: false, name: "Closed days" }]);
      assert.deepEqual(saved.closures, [{ window: "Sat 22:00-Sun 02:00", name: "Maintenance" }]);
    }
  },

  async "import days after their firings were shown"({ server, open, allow }) {
    allow("422");
    await api(server, "POST", "/calendars", { name: "imported", base: "every_day" });
    await api(server, "POST", "/tasks", daily("of-imported", "imported"));
    const page = await open();
    await page.goto("/calendars/imported/import");
    await page.fill("#calendar-text", "2027-13-01,off");
    await page.click("text=Preview changes");
    await page.locator(".alert-danger", { hasText: "line 1" }).waitFor();
    await page.setInputFiles("#calendar-file", { name: "days.csv", mimeType: "text/csv", buffer: Buffer.from(`${day(2)},off,Feast\n`) });
    await page.click("text=Preview changes");
    await page.locator("th", { hasText: "of-imported" }).waitFor();
    assert.equal((await api(server, "GET", "/calendars/imported")).version, 1, "a preview changes nothing");
    await page.click("main button:has-text('Apply')");
    await page.locator(".flash").waitFor();
    assert.equal((await api(server, "GET", "/calendars/imported")).dates[0].name, "Feast");
    await api(server, "DELETE", "/tasks/of-imported");
    await page.goto("/calendars");
    await page.click("tr:has-text('imported') .btn-ghost-danger");
    await page.click("#dialog button:not([type=button])");
    await page.locator("#toasts", { hasText: "Calendar imported was deleted" }).waitFor();
    await assert.rejects(api(server, "GET", "/calendars/imported"), /404/);
  },

  async "a freeze is on every page until it ends"({ server, open }) {
    const page = await open();
    await page.goto("/freezes");
    await page.fill("[name='/reason']", "Year-end closing");
    await page.fill("[name='/tag']", "closing");
    await page.fill("[name='/until']", `${day(3)}T08:00:00`);
    await page.click("main form button");
    await page.locator(".flash").waitFor();
    await page.goto("/tasks");
    await page.locator(".alert-warning", { hasText: "Year-end closing" }).waitFor();
    const [freeze] = await api(server, "GET", "/freezes");
    assert.deepEqual([freeze.tag, freeze.active], ["closing", true]);
    await page.goto("/freezes");
    await page.click("td .btn-ghost-danger");
    await page.click("#dialog button:not([type=button])");
    await page.locator("#toasts", { hasText: "The freeze has ended" }).waitFor();
    await page.goto("/tasks");
    assert.equal(await page.locator(".alert-warning", { hasText: "Year-end closing" }).count(), 0);
  },
};
