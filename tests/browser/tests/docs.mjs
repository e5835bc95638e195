// API documentation at /docs: calls are listed and executed, authenticated by session or token.
import assert from "node:assert/strict";
import { api, echo, TOKEN } from "../lib.mjs";

/** Opens one call in try-it-out mode. */
async function call(page, tag, id) {
  await page.goto(`/docs#/${tag}/${id}`);
  await page.reload();
  const block = page.locator(`#operations-${tag}-${id}`);
  await block.locator(".execute").waitFor();
  return block;
}

/** Executes the call and returns the response status. */
async function execute(block) {
  await block.locator(".execute").click();
  const status = block.locator(".live-responses-table .response-col_status").last();
  await status.waitFor();
  return Number.parseInt(await status.innerText(), 10);
}

export const docs = {
  async "docs: all calls are listed"({ server, open }) {
    const page = await open();
    await page.goto("/docs");
    await page.locator(".opblock").first().waitFor();
    const document = await (await fetch(`${server.url}/openapi.json`)).json();
    const calls = Object.values(document.paths).flatMap((path) => Object.keys(path));
    assert.equal(await page.locator(".opblock").count(), calls.length);
    assert.equal(await page.locator(".errors-wrapper").count(), 0);
  },

  async "docs: executing a call with the session"({ server, open }) {
    const page = await open();
    const create = await call(page, "Tasks", "createTask");
    await create.locator("textarea.body-param__text").fill(JSON.stringify(echo("from-docs")));
    assert.equal(await execute(create), 201);
    assert.equal((await api(server, "GET", "/tasks/from-docs")).stats.executed, false);
    const run = await call(page, "Tasks", "runTask");
    await run.locator("tr[data-param-name=id] input").fill("from-docs");
    assert.equal(await execute(run), 202);
    const { items } = await api(server, "GET", "/executions?task_id=from-docs");
    assert.equal(items[0].requested_by, "admin");
  },

  async "docs: executing a call with a token"({ server, open, allow }) {
    allow("401");
    const page = await open();
    await page.context().clearCookies();
    await api(server, "POST", "/tasks", echo("by-token"));
    const before = await call(page, "Tasks", "pauseTask");
    await before.locator("tr[data-param-name=id] input").fill("by-token");
    assert.equal(await execute(before), 401);
    await page.click(".auth-wrapper .authorize");
    await page.locator(".auth-container", { hasText: "http, Bearer" }).locator("input").fill(TOKEN);
    await page.locator(".auth-container", { hasText: "http, Bearer" }).locator("button[type=submit]").click();
    await page.click(".auth-btn-wrapper .btn-done");
    await before.locator(".btn-clear").click();
    assert.equal(await execute(before), 200);
    assert.equal((await api(server, "GET", "/tasks/by-token")).enabled, false);
  },
};
