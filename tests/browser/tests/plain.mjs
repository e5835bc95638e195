// Without script, in Chinese, in the dark, and on a phone.
import assert from "node:assert/strict";
import { api, echo } from "../lib.mjs";

const PAGES = ["/", "/tasks", "/tasks/new?type=echo", "/executions", "/calendar", "/calendar?view=month", "/task-types"];

export const plain = {
  async "everything works without script"({ server, open }) {
    await api(server, "POST", "/tasks", echo("plain"));
    const page = await open({ javaScriptEnabled: false });
    await page.goto("/tasks/new?type=echo");
    await page.fill("[name='/id']", "made-plain");
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

  async "the language and the theme are chosen in the menu"({ open }) {
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

  async "tables fit their cards at every width"({ server, open }) {
    await api(server, "POST", "/tasks", echo("a-task-with-a-rather-long-id", { tags: ["fitting"], trigger: { type: "date", run_date: "2099-01-01 00:00:00" } }));
    await api(server, "POST", "/tasks/a-task-with-a-rather-long-id/run", {});
    const page = await open();
    for (const width of [700, 1000, 1290, 1291, 1360, 1600, 1601, 1700]) {
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

  async "nothing is wider than a phone"({ server, open }) {
    await api(server, "POST", "/tasks", echo("narrow", { name: "A name that is rather long for a small screen", tags: ["narrow"] }));
    const page = await open({ viewport: { width: 360, height: 800 } });
    for (const path of [...PAGES, "/tasks/narrow", "/tasks/narrow/edit"]) {
      await page.goto(path);
      const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= seen, `${path} is ${wide} wide`);
    }
  },
};
