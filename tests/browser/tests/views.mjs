// Saved views, chains in the task form, nodes, bulk progress and the JSON editor.
import assert from "node:assert/strict";
import { api, asJson, echo } from "../lib.mjs";

const toast = (page, text) => page.locator(".toast-box", { hasText: text }).first().waitFor();

export const views = {
  async "save and open a view"({ server, open }) {
    await api(server, "POST", "/tasks", echo("viewed", { tags: ["viewed"] }));
    const page = await open();
    await page.goto("/tasks");
    await page.fill("#search", "tag:viewed");
    await page.locator("#list", { hasText: "1 total" }).waitFor();
    await page.click(".views > summary");
    await page.fill("#view-name", "Mine");
    await page.keyboard.press("Enter");
    await toast(page, "View Mine was saved.");
    await page.locator(".views > summary", { hasText: "Mine" }).waitFor();
    await page.goto("/tasks");
    await page.click(".views > summary");
    await page.click(".view-list a");
    await page.waitForURL((url) => url.searchParams.get("search") === "tag:viewed");
    await page.goto("/views");
    await page.click("#views-tasks >> xpath=../.. >> .btn-ghost-danger");
    await page.locator(".flash", { hasText: "deleted" }).waitFor();
  },

  async "chain rows in the task form"({ server, open }) {
    for (const id of ["chained-a", "chained-b", "chained-c", "chaining"]) await api(server, "POST", "/tasks", echo(id));
    const page = await open();
    await page.goto("/tasks/chaining/edit");
    await page.click("#chain > summary");
    await page.fill("[name='/chain/0/task']", "chained");
    await page.locator("#chain-tasks option[value=chained-b]").waitFor({ state: "attached" });
    await page.fill("[name='/chain/0/task']", "chained-a");
    await page.fill("[name='/chain/1/task']", "chained-b");
    await page.selectOption("[name='/chain/1/on']", "failure");
    await page.click("[data-chain-add]");
    await page.fill("[name='/chain/2/task']", "chained-c");
    await page.locator("#changes", { hasText: "/chain/2/task" }).waitFor();
    await page.click(".form-foot .btn-primary");
    await page.waitForURL((url) => url.pathname === "/tasks/chaining");
    await page.locator(".chain-list", { hasText: "failure → chained-b" }).waitFor();
    const { chain } = await api(server, "GET", "/tasks/chaining");
    assert.deepEqual(chain.map((link) => [link.on, link.task]), [["success", "chained-a"], ["failure", "chained-b"], ["success", "chained-c"]]);
  },

  async "nodes page shows this process and its runs"({ server, open }) {
    const task = { id: "on-node", type: "send_cmd", trigger: { type: "cron", expression: "0 8 * * *" }, params: { command: "sleep 60" } };
    await api(server, "POST", "/tasks", task);
    const page = await open();
    await page.goto("/nodes");
    await page.locator("h2[id^=node-]").waitFor();
    const run = await api(server, "POST", "/tasks/on-node/run", {});
    await page.locator(`a[href="/executions/${run.id}"]`).waitFor();
    await api(server, "POST", `/executions/${run.id}/cancel`);
    await page.locator(`a[href="/executions/${run.id}"]`).waitFor({ state: "detached" });
  },

  async "bulk action in several requests can be stopped"({ server, open }) {
    for (let number = 0; number < 540; number += 1) await api(server, "POST", "/tasks", echo(`part-${String(number).padStart(3, "0")}`, { tags: ["part"] }));
    const page = await open();
    await page.goto("/tasks?tag=part");
    await page.check("#select-all");
    await page.click("#bulk [value=pause]");
    await page.locator("#dialog h1", { hasText: "540" }).waitFor();
    await page.click("#dialog .btn-primary");
    await toast(page, "Done: 540 tasks.");
    assert.equal((await api(server, "GET", "/tasks?tag=part&enabled=false")).total, 540);
    await page.check("#select-all");
    await page.click("#bulk [value=resume]");
    await page.click("#dialog .btn-primary");
    const stop = page.locator("#dialog [data-progress] form button");
    const ended = page.locator(".toast", { hasText: "tasks." }).first();
    await Promise.race([stop.waitFor(), ended.waitFor()]);
    if (await stop.isVisible()) await stop.click();
    await page.locator("#dialog[open]").waitFor({ state: "detached" });
    assert.ok((await api(server, "GET", "/tasks?tag=part&enabled=true")).total > 0, "some tasks were processed");
  },

  async "JSON editor completes parameters and marks faults"({ open }) {
    const page = await open();
    await page.goto("/tasks/new?type=http_request");
    await asJson(page);
    const editor = page.locator(".editor .cm-content");
    await editor.waitFor();
    await page.click("label[for=field-params]");
    await page.keyboard.press("Control+a");
    await page.keyboard.type('{\n"ur');
    await page.locator(".cm-tooltip-autocomplete li", { hasText: "url" }).first().waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    await page.keyboard.insertText('{"url": 5}');
    await page.locator("#params-check li[data-pointer='/url']").waitFor();
    await page.locator(".editor .cm-lintRange-error", { hasText: "5" }).waitFor();
    assert.equal(await page.inputValue("#field-params"), '{"url": 5}');
    await page.keyboard.press("Tab");
    assert.notEqual(await page.evaluate(() => document.activeElement.className), "editor", "Tab leaves the editor");
    await page.click("label[for=type-echo]");
    await page.locator(".editor .cm-content").waitFor();
    await page.reload();
    await asJson(page);
    await page.locator(".editor .cm-content").waitFor();
    const box = await page.locator("#field-params").inputValue();
    assert.ok(JSON.parse(box).url, "a new page has the example");
  },
};
