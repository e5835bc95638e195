// What a person types, clicks and reads: shortcuts, double clicks, unsaved changes, copying, the history, output that is followed.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { api, asJson, echo, ended, signIn } from "../lib.mjs";

const TYPED = '{"keep": "e j k p r n / ? x", "n": [1, true]}';
const EDITABLE = "input:visible:not([type=checkbox], [type=radio], [readonly], .builder *), textarea:visible:not(.visually-hidden), .cm-content:visible";
const PAGES = [
  "/", "/tasks", "/tasks/typed", "/tasks/typed/edit", "/tasks/new", "/executions", "/calendar", "/task-types", "/account", "/account/second-factor",
  "/settings/users", "/settings/tokens", "/settings/secrets", "/settings/channels", "/settings/mail", "/settings/sms", "/settings/datasources", "/settings/http", "/settings/profiles/new?kind=smtp", "/settings/transfer", "/audit", "/nodes", "/views",
];

const command = (id, text) => ({ id, type: "send_cmd", trigger: { type: "cron", expression: "0 8 * * *" }, params: { command: text } });
const runs = async (server, task) => (await api(server, "GET", `/executions?task_id=${task}`)).items;

/** Types into one element and checks that nothing else happened. */
async function typeInto(page, element, place) {
  const path = new URL(page.url()).pathname;
  await element.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.type(TYPED);
  assert.equal(new URL(page.url()).pathname, path, `${place}: the page is kept`);
  assert.equal(await page.locator("dialog[open]").count(), 0, `${place}: no dialog opens`);
  const typed = await element.evaluate((one) => (one.matches("input, textarea") ? one.value : one.innerText));
  const isText = await element.evaluate((one) => one.matches("textarea, .cm-content, [type=text], [type=search], [type=password]"));
  if (isText) assert.equal(typed.trim(), TYPED, `${place}: every letter arrives`);
}

export const interaction = {
  async "typing JSON into every editable element triggers no shortcut"({ server, open, allow }) {
    allow("the server responded with a status of 4");
    await api(server, "POST", "/tasks", echo("typed"));
    const page = await open();
    let editors = 0;
    // The editors of the forms of tasks, which show the parameters as fields at first.
    const forms = ["/tasks/typed/edit", "/tasks/new"].map((path) => [path, true]);
    for (const [path, json] of [...PAGES.map((path) => [path, false]), ...forms]) {
      await page.goto(path);
      if (json) await asJson(page);
      await page.evaluate(() => { for (const details of document.querySelectorAll("main details:not(.menu)")) details.open = true; });
      if (await page.locator("textarea[data-editor]").count()) await page.locator(".cm-content").first().waitFor();
      const editable = json ? ".cm-content:visible" : EDITABLE;
      const count = await page.locator(editable).count();
      for (let at = 0; at < count; at += 1) {
        const element = page.locator(editable).nth(at);
        editors += await element.evaluate((one) => Number(one.matches(".cm-content")));
        await typeInto(page, element, `${path}, element ${at}`);
      }
    }
    assert.equal(editors, 2, "the parameter editors of both forms");
  },

  async "a double click and two Enters start one run each"({ server, open }) {
    await api(server, "POST", "/tasks", echo("once"));
    const page = await open();
    await page.route("**/tasks/once/run", async (route) => {
      if (route.request().method() === "POST") await new Promise((resolve) => setTimeout(resolve, 400));
      await route.continue();
    });
    await page.goto("/tasks/once");
    await page.click("[data-key=r]");
    await page.dblclick("#dialog .btn-primary");
    await page.locator("#toasts a").first().waitFor();
    assert.equal((await runs(server, "once")).length, 1);
    await page.click("[data-key=r]");
    await page.locator("#dialog .btn-primary:focus").waitFor();
    await page.keyboard.press("Enter");
    await page.locator("#dialog .btn-primary[aria-disabled=true]").waitFor();
    await page.keyboard.press("Enter");
    await page.locator("#toasts a").nth(1).waitFor();
    assert.equal((await runs(server, "once")).length, 2);
  },

  async "a change between drawing a page and its first event is shown"({ server, open }) {
    const flag = join(server.folder, "drawn");
    await api(server, "POST", "/tasks", command("meanwhile", `until [ -e '${flag}' ]; do sleep 0.1; done`));
    const run = await api(server, "POST", "/tasks/meanwhile/run", {});
    const page = await open();
    let release;
    const held = new Promise((resolve) => { release = resolve; });
    await page.route("**/live?*", async (route) => { await held; await route.continue(); });
    await page.goto(`/executions/${run.id}`);
    await page.reload();
    await page.locator("h1 .state-running").waitFor();
    writeFileSync(flag, "");
    await ended(server, run.id);
    release();
    await page.locator("h1 .state-succeeded").waitFor();
  },

  async "a change while a list is fetched is shown"({ server, open }) {
    await api(server, "POST", "/tasks", echo("raced"));
    const [page, other] = [await open(), await open()];
    for (const [one, search] of [[page, "nothing-matches"], [other, "raced"]]) {
      await one.goto(`/tasks?search=${search}`);
      await one.locator("#live-status[data-state=live]").waitFor({ state: "attached" });
    }
    await page.route("**/tasks?search=raced*", async (route) => {
      const drawn = await route.fetch();
      await api(server, "POST", "/tasks/raced/pause");
      await other.locator("tr[data-task=raced].is-paused").waitFor();
      await route.fulfill({ response: drawn });
    });
    await page.locator("#search").click();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("raced");
    await page.locator("tr[data-task=raced].is-paused").waitFor();
  },

  async "copying works over plain HTTP from another host"({ server, browser }) {
    const elsewhere = { ...server, url: server.url.replace("127.0.0.1", "belfry.test") };
    const page = await signIn(browser, elsewhere);
    await page.goto("/settings/tokens");
    assert.equal(await page.evaluate(() => typeof navigator.clipboard), "undefined");
    await page.locator("[name='/name']").click();
    await page.keyboard.type("copied");
    await page.keyboard.press("Enter");
    const token = await page.locator("#token-text").textContent();
    await page.click("[data-copy]");
    await page.locator("#toasts", { hasText: "Copied" }).waitFor();
    await page.locator("[name='/name']").click();
    await page.keyboard.press("Control+v");
    assert.equal(await page.inputValue("[name='/name']"), token);
    await page.context().close();
  },

  async "deleting a task on its page leads to the list"({ server, open, allow }) {
    allow("404");
    for (const id of ["dead-mine", "dead-theirs"]) await api(server, "POST", "/tasks", echo(id));
    const page = await open();
    await page.goto("/tasks/dead-mine");
    await page.click(".page-head .btn-ghost-danger");
    await page.click("#dialog .btn-danger");
    await page.waitForURL((url) => url.pathname === "/tasks");
    await page.locator(".flash", { hasText: "dead-mine was deleted" }).waitFor();
    assert.deepEqual(await page.locator("#toasts .alert").allTextContents(), []);
    await page.goto("/tasks/dead-theirs");
    await page.locator("#live-status[data-state=live]").waitFor({ state: "attached" });
    await api(server, "DELETE", "/tasks/dead-theirs");
    await page.locator("#live [role=alert]", { hasText: "This task was deleted." }).waitFor();
    assert.equal(await page.locator(".page-head .btn-list").count(), 0);
    assert.deepEqual(await page.locator("#toasts .alert").allTextContents(), []);
  },

  async "an emptied cron expression is refused"({ server, open, allow }) {
    allow("422");
    const page = await open();
    await page.goto("/tasks/new?type=echo");
    await page.locator("#field-id").click();
    await page.keyboard.type("emptied");
    await page.locator("#field-trigger-expression").click();
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Delete");
    await page.locator("#fault-trigger-expression", { hasText: "0 fields" }).waitFor();
    await page.keyboard.press("Enter");
    await page.locator(".alert-danger", { hasText: "0 fields" }).waitFor();
    await assert.rejects(api(server, "GET", "/tasks/emptied"), /404/);
  },

  async "a filter adds one history entry"({ open }) {
    const page = await open();
    await page.goto("/tasks");
    const before = await page.evaluate(() => history.length);
    await page.locator("#search").click();
    for (const letter of "every") {
      const answered = page.waitForResponse((response) => response.url().includes("/tasks?"));
      await page.keyboard.type(letter);
      await answered;
    }
    await page.waitForURL((url) => url.searchParams.get("search") === "every");
    assert.equal(await page.evaluate(() => history.length), before + 1);
    await page.goBack();
    await page.waitForURL((url) => url.pathname === "/tasks" && !url.searchParams.get("search"));
  },

  async "output is followed only while the reader is at its end"({ server, open }) {
    const flag = join(server.folder, "scrolled");
    await api(server, "POST", "/tasks", command("followed", `seq 1 200; until [ -e '${flag}' ]; do sleep 0.1; done; seq 201 400; sleep 1`));
    const run = await api(server, "POST", "/tasks/followed/run", {});
    const page = await open();
    await page.goto(`/executions/${run.id}`);
    await page.locator("#output", { hasText: /200\s*$/ }).waitFor();
    await page.locator("#output").hover();
    await page.mouse.wheel(0, -600);
    await page.locator("#follow:not(:checked)").waitFor();
    const place = await page.evaluate(() => document.getElementById("output").scrollTop);
    writeFileSync(flag, "");
    await page.locator("#output", { hasText: /400\s*$/ }).waitFor();
    assert.equal(await page.evaluate(() => document.getElementById("output").scrollTop), place);
    await page.mouse.wheel(0, 100_000);
    await page.locator("#follow:checked").waitFor();
  },

  async "unsaved changes are guarded"({ open }) {
    const page = await open();
    const asked = [];
    let answer = "dismiss";
    page.on("dialog", (dialog) => { asked.push(dialog.type()); dialog[answer]().catch(() => {}); });
    await page.goto("/tasks/new?type=echo");
    await page.locator("#field-id").click();
    await page.keyboard.type("guarded");
    await page.click(".crumbs a", { noWaitAfter: true });
    await page.waitForFunction(() => document.readyState === "complete");
    while (!asked.length) await page.waitForTimeout(20);
    assert.equal(new URL(page.url()).pathname, "/tasks/new");
    assert.equal(await page.inputValue("#field-id"), "guarded");
    await page.click(".form-foot .btn-primary");
    await page.waitForURL((url) => url.pathname === "/tasks/guarded");
    answer = "accept";
    assert.deepEqual(asked, ["beforeunload"], "saving asks nothing");
  },
};
