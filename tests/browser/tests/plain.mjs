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
