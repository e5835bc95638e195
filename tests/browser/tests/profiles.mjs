// Mail servers, datasources and HTTP profiles that administrators add on pages.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { api } from "../lib.mjs";

const SECRET = "hunter2-hunter2";

/** Types into a field, key by key. */
async function type(page, field, text) {
  await page.locator(field).fill("");
  await page.locator(field).pressSequentially(text);
}

export const profiles = {
  async "mail server is typed, kept, changed and deleted in both languages"({ server, open, allow }) {
    allow("422");
    for (const [locale, add, kept] of [["en-US", "Add a mail server", "Set; leave empty to keep"], ["zh-CN", "新增邮件服务器", "已设置，留空则保留"]]) {
      const name = `office-${locale.toLowerCase()}`;
      const page = await open({ locale });
      await page.goto("/settings/mail");
      await page.getByRole("link", { name: add }).first().click();
      await page.locator("h1", { hasText: add }).waitFor();
      await type(page, "#field-name", name);
      await type(page, "#field-host", "mail.example.com");
      await type(page, "#field-port", "many");
      await type(page, "#field-user", "belfry@example.com");
      await type(page, "#field-password", SECRET);
      await page.click("main form button.btn-primary");
      await page.locator("#fault-port", { hasText: "many" }).waitFor();
      assert.equal(await page.inputValue("#field-host"), "mail.example.com", "what was typed stays");
      assert.equal(await page.inputValue("#field-password"), "", "except secrets");
      await type(page, "#field-port", "2525");
      await type(page, "#field-password", SECRET);
      await page.click("main form button.btn-primary");
      const row = page.locator("tr", { hasText: name });
      await row.waitFor();
      assert.ok((await row.innerText()).includes("mail.example.com:2525"));
      await row.locator(".cell-actions a").first().click();
      await page.locator("h1", { hasText: name }).waitFor();
      assert.equal(await page.getAttribute("#field-password", "placeholder"), kept);
      assert.ok(!(await page.content()).includes(SECRET));
      await type(page, "#field-host", "relay.example.com");
      await page.click("main form button.btn-primary");
      await page.locator("tr", { hasText: "relay.example.com:2525" }).waitFor();
      const { secrets } = await api(server, "GET", `/smtp/${name}`);
      assert.deepEqual(secrets, ["password"], "the password was kept");
      await page.locator("tr", { hasText: name }).locator(".cell-actions a").last().click();
      await page.locator("#dialog .btn-danger, #dialog button[type=submit], #dialog form button").last().click();
      await page.locator("tr", { hasText: name }).waitFor({ state: "detached" });
      await page.context().close();
    }
  },

  async "stored HTTP profile is tested and offered to tasks, without script too"({ server, open }) {
    const service = createServer((request, response) => {
      response.statusCode = request.headers.authorization === `Bearer ${SECRET}` ? 200 : 401;
      response.end("ok");
    });
    await new Promise((resolve) => service.listen(0, "127.0.0.1", resolve));
    const page = await open({ javaScriptEnabled: false });
    await page.goto("/settings/http");
    await page.locator("a[href='/settings/profiles/new?kind=http']").first().click();
    await type(page, "#field-name", "typed-service");
    await type(page, "#field-base_url", `http://127.0.0.1:${service.address().port}/`);
    await type(page, "#field-bearer", SECRET);
    await page.click("main form button.btn-primary");
    await page.locator("tr", { hasText: "typed-service" }).waitFor();
    await page.selectOption("#field-name", "typed-service");
    await type(page, "#field-url", "health");
    await page.click("main form button.btn-primary");
    await page.locator(".alert-success", { hasText: "typed-service" }).waitFor();
    assert.ok(!(await page.content()).includes(SECRET));
    await page.context().close();
    service.close();
    const form = await open();
    await form.goto("/tasks/new?type=http_request");
    assert.ok((await form.content()).includes("typed-service"), "the picker offers it");
    await api(server, "DELETE", "/http-profiles/typed-service");
    await form.context().close();
  },
};
