// Task form: all trigger types, validation errors, editing with a preview.
import assert from "node:assert/strict";
import { api, echo } from "../lib.mjs";

async function fill(page, id) {
  await page.goto("/tasks/new?type=echo");
  await page.fill("[name='/id']", id);
  await page.fill("[name='/params']", '{"message": "hi"}');
}

async function kind(page, name) {
  await page.click(`label[for=kind-${name}]`);
}

async function create(page, id) {
  await page.click(".form-foot .btn-primary");
  await page.waitForURL((url) => url.pathname === `/tasks/${id}`);
}

export const forms = {
  async "create a task with each trigger type"({ server, open }) {
    const page = await open();
    await fill(page, "by-date");
    await kind(page, "date");
    await page.fill("[name='/trigger/run_date']", "2099-12-10T08:00:00");
    await page.locator("#preview .firings li").first().waitFor();
    await create(page, "by-date");
    await fill(page, "by-interval");
    await kind(page, "interval");
    await page.fill("[name='/trigger/minutes']", "5");
    await create(page, "by-interval");
    await fill(page, "by-cron");
    await page.fill("[name='/trigger/expression']", "0 8 * * mon-fri");
    await page.locator("#preview", { hasText: "Monday to Friday" }).waitFor();
    await create(page, "by-cron");
    await fill(page, "by-idle");
    await kind(page, "idle");
    await page.fill("[name='/trigger/idle_duration']", "90");
    await create(page, "by-idle");
    const kinds = await Promise.all(["date", "interval", "cron", "idle"].map((name) => api(server, "GET", `/tasks/by-${name}`)));
    assert.deepEqual(kinds.map((task) => task.trigger.type), ["date", "interval", "cron", "idle"]);
    assert.equal(kinds[3].trigger.idle_duration, 90);
  },

  async "validation errors keep the input"({ server, open, allow }) {
    allow("422");
    const page = await open();
    await fill(page, "refused");
    await page.fill("[name='/params']", '{\n  "message": }');
    await page.locator("#params-check", { hasText: "line 2" }).waitFor();
    await page.locator(".cm-lintRange-error, .cm-lintPoint-error").first().waitFor({ state: "attached" });
    await page.fill("[name='/trigger/expression']", "61 8 * * *");
    await page.locator("#preview .preview-bad").waitFor();
    await page.locator("#fault-trigger-expression", { hasText: "61" }).waitFor();
    await page.click(".form-foot .btn-primary");
    await page.locator(".alert-danger").waitFor();
    assert.equal(await page.inputValue("[name='/params']"), '{\n  "message": }');
    assert.equal(await page.inputValue("[name='/trigger/expression']"), "61 8 * * *");
    await assert.rejects(api(server, "GET", "/tasks/refused"), /404/);
    await page.fill("[name='/params']", '{"massage": "x"}');
    await page.locator("#params-check", { hasText: "massage" }).waitFor();
  },

  async "rule builder"({ open }) {
    const page = await open();
    await fill(page, "helped");
    await page.locator(".rule-help > summary").click();
    for (const day of ["mon", "wed"]) await page.click(`[data-weekday=${day}]`);
    await page.fill("#help-time", "09:30");
    await page.click("[data-rule=weekly]");
    assert.equal(await page.inputValue("[name='/trigger/expression']"), "30 9 * * mon,wed");
    await page.locator("#preview", { hasText: "09:30" }).waitFor();
    await page.selectOption("#help-every", "15");
    await page.click("[data-rule=every]");
    assert.equal(await page.inputValue("[name='/trigger/expression']"), "*/15 * * * *");
  },

  async "preview of changes while editing"({ server, open }) {
    await api(server, "POST", "/tasks", echo("edited"));
    const page = await open();
    await page.goto("/tasks/edited/edit");
    await page.fill("[name='/name']", "A new name");
    await page.fill("[name='/trigger/expression']", "0 9 * * *");
    await page.locator("#changes tr", { hasText: "A new name" }).waitFor();
    await page.locator("#changes tr", { hasText: "0 9 * * *" }).waitFor();
    await page.locator("#changes .firings-new li", { hasText: "09:00:00" }).first().waitFor();
    await page.click(".form-foot .btn-primary");
    await page.waitForURL((url) => url.pathname === "/tasks/edited");
    const task = await api(server, "GET", "/tasks/edited");
    assert.equal(task.name, "A new name");
    assert.equal(task.version, 2);
  },

  async "concurrent edits are detected"({ server, open, allow }) {
    allow("412");
    await api(server, "POST", "/tasks", echo("shared"));
    const page = await open();
    await page.goto("/tasks/shared/edit");
    await api(server, "PATCH", "/tasks/shared", { name: "Theirs" });
    await page.fill("[name='/name']", "Mine");
    await page.click(".form-foot .btn-primary");
    await page.locator(".alert-warning", { hasText: "Theirs" }).waitFor();
    assert.equal((await api(server, "GET", "/tasks/shared")).name, "Theirs");
    await page.click(".alert-warning .btn-warning");
    await page.waitForURL((url) => url.pathname === "/tasks/shared");
    assert.equal((await api(server, "GET", "/tasks/shared")).name, "Mine");
  },
};
