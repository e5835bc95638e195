// Task form: all trigger types, validation errors, editing with a preview.
import assert from "node:assert/strict";
import { api, asJson, echo, type } from "../lib.mjs";

async function fill(page, id) {
  await page.goto("/tasks/new?type=echo");
  await page.fill("[name='/id']", id);
  await page.fill("[name='/params/message']", "hi");
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
    await asJson(page);
    await page.locator(".cm-content").waitFor();
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

  async "parameters are typed into fields of the type"({ server, open, allow }) {
    allow("422");
    const page = await open();
    await page.goto("/tasks/new");
    await page.click("label[for=type-http_request]");
    await page.locator("[name='/params/url']").waitFor();
    await type(page, "#field-id", "by-fields");
    await type(page, "[name='/params/url']", `${server.url}/login`);
    await page.selectOption("[name='/params/method']", "POST");
    await page.click(".params-more > summary");
    await type(page, "[name='/params/text']", "first line\nsecond: \"line\"");
    await page.locator("[name='/params/headers/-/name']").first().click();
    await page.keyboard.type("Content-Type");
    await page.keyboard.press("Tab");
    await page.keyboard.type("text/plain");
    await page.click("#field-params-headers [data-pair-add]");
    await page.keyboard.type("X-Second");
    await page.keyboard.press("Tab");
    await page.keyboard.type("2");
    await type(page, "[name='/params/timeout_seconds']", "soon");
    await page.locator("#fault-params-timeout_seconds", { hasText: "must be a number" }).waitFor();
    await page.locator("#changes a[href='#field-params-timeout_seconds']").waitFor();
    await page.click(".form-foot .btn-primary");
    await page.locator(".alert-danger a[href='#field-params-timeout_seconds']").waitFor();
    assert.equal(await page.inputValue("[name='/params/timeout_seconds']"), "soon");
    assert.equal(await page.inputValue("[name='/params/text']"), 'first line\nsecond: "line"');
    await type(page, "[name='/params/timeout_seconds']", "2.50");
    await page.locator("#changes .check-good").waitFor();
    // The same value as JSON and back; what no field shows stays.
    await asJson(page);
    const text = await page.inputValue("#field-params");
    assert.match(text, /"timeout_seconds": 2\.50/);
    await page.locator(".cm-content").waitFor();
    await page.fill("#field-params", text.replace("{", '{"expect_json": [{"pointer": "/a", "exists": true}],'));
    await page.click("#params-to-fields");
    await page.locator("[name='/params/url']").waitFor();
    await page.click(".form-foot .btn-primary");
    await page.waitForURL((url) => url.pathname === "/tasks/by-fields");
    const { params } = await api(server, "GET", "/tasks/by-fields");
    assert.equal(params.text, 'first line\nsecond: "line"');
    assert.deepEqual(params.headers, { "Content-Type": "text/plain", "X-Second": "2" });
    assert.deepEqual([params.method, params.expect_json.length], ["POST", 1]);
    await page.goto("/tasks/by-fields/edit");
    assert.equal(await page.inputValue("[name='/params/text']"), 'first line\nsecond: "line"');
    await page.locator("#changes", { hasText: "No changes yet" }).waitFor();
  },

  async "schedule builder in both directions"({ open }) {
    const page = await open();
    await page.goto("/tasks/new?type=echo");
    const expression = () => page.inputValue("[name='/trigger/expression']");
    const pressed = (preset) => page.locator(`[data-preset=${preset}][aria-pressed=true]`).waitFor();
    await pressed("daily");
    await page.fill("#builder-time", "09:30");
    assert.equal(await expression(), "30 9 * * *");
    await page.locator("#preview", { hasText: "09:30" }).waitFor();
    await page.click("[data-preset=workdays]");
    assert.equal(await expression(), "30 9 * * mon-fri");
    await page.selectOption("#builder-workdays", "cn");
    assert.deepEqual([await expression(), await page.inputValue("#field-calendar")], ["30 9 * * *", "cn"]);
    await page.click("[data-preset=weekly]");
    assert.equal(await page.inputValue("#field-calendar"), "");
    await page.click("[data-weekday=wed]");
    assert.equal(await expression(), "30 9 * * mon,wed");
    await page.click("[data-preset=monthly]");
    await type(page, "#builder-day", "15");
    assert.equal(await expression(), "30 9 15 * *");
    await page.click("[data-preset=minutes]");
    await type(page, "#builder-minutes", "7");
    assert.equal(await expression(), "*/7 * * * *");
    // Typed rules open in the builder, or in the text field alone.
    for (const [text, preset] of [["15 6 * * sat,sun", "weekly"], ["0 8 * * mon-fri", "workdays"], ["5 4 31 * *", "monthly"], ["07:45", "daily"], ["* * * * *", "minutes"]]) {
      await type(page, "[name='/trigger/expression']", text);
      await pressed(preset);
    }
    await type(page, "[name='/trigger/expression']", "*/5 8-18 * * mon-fri");
    await page.locator("#builder-line").waitFor({ state: "hidden" });
    assert.equal(await page.locator("[data-preset][aria-pressed=true]").count(), 0);
  },

  async "test run of a draft"({ server, open }) {
    const page = await open();
    await page.goto("/tasks/new?type=send_cmd");
    await type(page, "[name='/params/command']", "echo one; echo two >&2; exit 3");
    await page.click("#test-run");
    await page.locator("#test-output .state-failed").waitFor();
    await page.locator("#test-output .out-stderr", { hasText: "two" }).waitFor();
    await type(page, "[name='/params/command']", "");
    await page.click("#test-run");
    await page.locator("#test-output a[href='#field-params-command']").waitFor();
    const { items } = await api(server, "GET", "/audit?action=task.test");
    assert.equal(items.length, 1);
  },

  async "a draft is kept in the browser until it is saved"({ open }) {
    const page = await open();
    page.on("dialog", (dialog) => dialog.accept().catch(() => {}));
    await page.goto("/tasks/new?type=echo");
    await type(page, "#field-id", "drafted");
    await page.click("label[for=type-http_request]");
    await page.locator("[name='/params/url']").waitFor();
    await type(page, "[name='/params/url']", "https://example.com/kept");
    await page.click(".params-more > summary");
    await type(page, "[name='/params/auth/bearer']", "hush-hush");
    await page.waitForFunction(() => Object.entries(localStorage).some(([key, text]) => key.startsWith("belfry-draft:") && text.includes("example.com/kept")));
    await page.waitForTimeout(600);
    assert.ok(!(await page.evaluate(() => JSON.stringify({ ...localStorage }))).includes("hush-hush"));
    await page.goto("/tasks");
    await page.goto("/tasks/new?type=echo");
    assert.equal(await page.inputValue("#field-id"), "");
    await page.click(".draft-offer button >> nth=0");
    await page.locator("[name='/params/url']").waitFor();
    await page.waitForFunction(() => document.querySelector("[name='/params/url']")?.value === "https://example.com/kept");
    assert.equal(await page.inputValue("#field-id"), "drafted");
    await page.click(".form-foot .btn-primary");
    await page.waitForURL((url) => url.pathname === "/tasks/drafted");
    await page.goto("/tasks/new?type=echo");
    assert.equal(await page.locator(".draft-offer").count(), 0);
    await type(page, "#field-id", "never-saved");
    await page.waitForFunction(() => Object.keys(localStorage).some((key) => key.startsWith("belfry-draft:")));
    await page.click(".menu > summary >> nth=-1");
    await page.click("form[action$='/logout'] button");
    await page.waitForURL((url) => url.pathname === "/login");
    assert.equal(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("belfry-draft:")).length), 0);
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
