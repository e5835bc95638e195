// Export and import of tasks, and accounts and tokens limited to tags.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { api, echo, openPage } from "../lib.mjs";

const ids = async (server, search) => (await api(server, "GET", `/tasks?search=${search}`)).items.map((task) => task.id);

export const transfer = {
  async "export, change, preview and import a document"({ server, open }) {
    for (const id of ["carried-a", "carried-b"]) await api(server, "POST", "/tasks", echo(id));
    const page = await open();
    await page.goto("/settings/transfer");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=YAML")]);
    assert.equal(download.suggestedFilename(), "tasks.yaml");
    const exported = readFileSync(await download.path(), "utf8");
    assert.match(exported, /id: carried-a/);
    // The exported document matches the current tasks.
    await page.setInputFiles("#transfer-file", { name: "tasks.yaml", mimeType: "application/yaml", buffer: Buffer.from(exported) });
    await page.click("text=Preview changes");
    await page.locator("#plan-title >> xpath=../..", { hasText: "match the document" }).waitFor();
    const changed = exported.replaceAll("hello from carried-a", "hello again");
    await page.setInputFiles("#transfer-file", { name: "tasks.yaml", mimeType: "application/yaml", buffer: Buffer.from(changed) });
    await page.click("text=Preview changes");
    await page.locator("th", { hasText: "carried-a" }).waitFor();
    await page.locator("ins", { hasText: "hello again" }).waitFor();
    assert.equal((await api(server, "GET", "/tasks/carried-a")).params.message, "hello from carried-a", "a preview changes nothing");
    await page.click("main button:has-text('Apply')");
    await page.locator(".flash").waitFor();
    assert.equal((await api(server, "GET", "/tasks/carried-a")).params.message, "hello again");
  },

  async "faults of an imported document, with and without JavaScript"({ server, open, allow }) {
    allow("422");
    for (const javaScriptEnabled of [true, false]) {
      const page = await open({ javaScriptEnabled });
      await page.goto("/settings/transfer");
      const box = page.locator("#transfer-document");
      const wrong = "tasks:\n  - {id: carried-c, type: echo, trigger: {type: cron, hour: 25}, params: {message: a}}\n";
      await (javaScriptEnabled ? page.evaluate((text) => { document.getElementById("transfer-document").value = text; }, wrong) : box.fill(wrong));
      await page.click("text=Preview changes");
      await page.locator("#document-faults", { hasText: "hour: 25 is not between 0 and 23" }).waitFor();
      assert.equal(await box.inputValue(), wrong, "the input is kept");
    }
    assert.deepEqual(await ids(server, "carried-c"), []);
  },

  async "accounts and tokens limited to tags"({ server, browser, open }) {
    await api(server, "POST", "/tasks", echo("of-sales", { tags: ["sales"] }));
    await api(server, "POST", "/tasks", echo("of-stock", { tags: ["stock"] }));
    const page = await open();
    await page.goto("/settings/users");
    await page.fill("[name='/name']", "sally");
    await page.fill("[name='/password']", "battery staple");
    await page.fill("[name='/tags']", "sales");
    await page.selectOption("[name='/role']", "editor");
    await page.click("main form .btn-primary");
    await page.locator(".flash", { hasText: "sally" }).waitFor();
    const sally = await openPage(browser, { baseURL: server.url });
    await sally.goto("/login");
    await sally.fill("[name=name]", "sally");
    await sally.fill("[name=password]", "battery staple");
    await sally.click("main button:not([type=button])");
    await sally.goto("/tasks?search=of-");
    await sally.locator("tr[data-task=of-sales]").waitFor();
    assert.equal(await sally.locator("tr[data-task=of-stock]").count(), 0);
    assert.equal((await sally.goto("/tasks/of-stock")).status(), 404);
    await sally.goto("/settings/tokens");
    await sally.fill("[name='/name']", "sally's");
    await sally.fill("[name='/tags']", "stock");
    await sally.click("main form .btn-primary");
    await sally.locator("main form", { hasText: "must be among the account's own, sales" }).waitFor();
    await sally.fill("[name='/tags']", "sales");
    await sally.click("main form .btn-primary");
    const token = await sally.textContent("#token-text");
    const answer = await fetch(`${server.url}/api/v1/tasks`, { headers: { authorization: `Bearer ${token.trim()}` } });
    assert.deepEqual((await answer.json()).items.map((task) => task.id), ["of-sales"]);
    await sally.context().close();
  },
};
