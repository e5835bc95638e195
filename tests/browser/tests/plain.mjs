// Pages without JavaScript, language and theme, layout at all widths.
import assert from "node:assert/strict";
import { api, echo } from "../lib.mjs";

const PAGES = ["/", "/tasks", "/tasks/new?type=echo", "/executions", "/calendar", "/calendar?view=month", "/task-types"];
const SETTINGS = ["/account", "/settings/tokens", "/settings/users", "/settings/secrets", "/settings/channels", "/settings/datasources", "/audit"];

export const plain = {
  async "task form, run, bulk pause and delete without JavaScript"({ server, open }) {
    await api(server, "POST", "/tasks", echo("plain"));
    const page = await open({ javaScriptEnabled: false });
    await page.goto("/tasks/new?type=echo");
    await page.fill("[name='/id']", "made-plain");
    await page.fill("[name='/params/message']", "typed plainly");
    await page.click("#params-to-json");
    assert.match(await page.inputValue("#field-params"), /typed plainly/);
    await page.click("#params-to-fields");
    assert.equal(await page.inputValue("[name='/params/message']"), "typed plainly");
    await page.fill("[name='/trigger/expression']", "@daily");
    await page.click(".form-foot .btn-primary");
    await page.waitForURL("**/tasks/made-plain");
    await page.goto("/tasks?search=plain");
    await page.click("[aria-label='Run plain now']");
    await page.click("main .btn-primary");
    await page.waitForURL("**/executions/*");
    await page.goto("/tasks?search=plain");
    await page.check("[aria-label='Select plain']");
    await page.click("#bulk [value=pause]");
    await page.click("main .btn-primary");
    assert.equal((await api(server, "GET", "/tasks/plain")).enabled, false);
    await page.goto("/tasks/plain/delete");
    await page.click("main .btn-danger");
    await page.waitForURL("**/tasks");
  },

  async "accounts, tokens and restore without JavaScript"({ server, open }) {
    const page = await open({ javaScriptEnabled: false });
    await page.goto("/settings/users");
    await page.fill("[name='/name']", "made-plain");
    await page.fill("[name='/password']", "battery staple");
    await page.click("main form .btn-primary");
    await page.locator(".flash", { hasText: "made-plain" }).waitFor();
    await page.click("[aria-label='Delete made-plain']");
    await page.click("main .btn-danger");
    await page.locator(".flash", { hasText: "was deleted" }).waitFor();
    await page.goto("/settings/tokens");
    await page.fill("[name='/name']", "plain token");
    await page.click("main form .btn-primary");
    assert.match(await page.textContent("#token-text"), /^blf_/);
    await api(server, "POST", "/tasks", echo("versioned", { name: "first" }));
    await api(server, "PATCH", "/tasks/versioned", { name: "second" });
    await page.goto("/tasks/versioned");
    await page.click("[aria-label='Restore version 1']");
    await page.click("main .btn-primary");
    await page.waitForURL("**/tasks/versioned");
    assert.equal((await api(server, "GET", "/tasks/versioned")).name, "first");
  },

  async "on a phone the link of the current page is in view"({ open }) {
    const page = await open({ viewport: { width: 390, height: 844 } });
    for (const path of ["/audit", "/settings/transfer", "/heartbeats", "/task-types"]) {
      await page.goto(path);
      const places = await page.locator("nav [aria-current=page]").evaluateAll((links) => links.map((link) => link.getBoundingClientRect().toJSON()));
      assert.ok(places.length && places.every(({ left, right }) => left >= 0 && right <= 390), `${path}: ${JSON.stringify(places)}`);
    }
  },

  async "language and theme menu"({ open }) {
    const page = await open();
    await page.goto("/tasks");
    await page.click(".menu > summary");
    await page.click("button[value='zh-CN']");
    await page.locator("html[lang='zh-CN']").waitFor();
    await page.locator("h1", { hasText: "任务" }).waitFor();
    await page.click(".menu > summary");
    await page.click("button[value=dark]");
    await page.locator("html[data-bs-theme=dark]").waitFor();
  },

  async "tables fit their cards at all widths"({ server, open }) {
    await api(server, "POST", "/tasks", echo("a-task-with-a-rather-long-id", { tags: ["fitting"], trigger: { type: "date", run_date: "2099-01-01 00:00:00" } }));
    await api(server, "POST", "/tasks/a-task-with-a-rather-long-id/run", {});
    const page = await open();
    for (const width of [700, 1000, 1250, 1251, 1280, 1360, 1600, 1601, 1700]) {
      await page.setViewportSize({ width, height: 800 });
      for (const path of ["/tasks?tag=fitting", "/executions?task_id=a-task-with-a-rather-long-id"]) {
        await page.goto(path);
        const over = await page.evaluate(() => {
          const table = document.querySelector("#list table");
          return Math.round(table.getBoundingClientRect().right - table.parentElement.getBoundingClientRect().right);
        });
        assert.ok(over <= 0, `at ${width} the table of ${path} is ${over} too wide`);
      }
    }
  },

  async "no horizontal scrolling on a phone"({ server, open }) {
    // Its next run is in hours, minutes and seconds, whenever the test runs.
    await api(server, "POST", "/tasks", echo("narrow", { name: "A name that is rather long for a small screen", tags: ["narrow"], trigger: { type: "interval", seconds: 45_296 } }));
    const page = await open({ viewport: { width: 360, height: 800 } });
    for (const path of [...PAGES, ...SETTINGS, "/tasks/narrow", "/tasks/narrow/edit", "/tasks/narrow/versions"]) {
      await page.goto(path);
      const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= seen, `${path} is ${wide} wide`);
    }
  },
};
