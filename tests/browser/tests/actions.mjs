// Actions on tasks, runs, accounts and tokens from lists, by keyboard and by the command palette.
import assert from "node:assert/strict";
import { api, asJson, echo, ended, rowAct, type } from "../lib.mjs";

const toast = (page, text) => page.locator("#toasts", { hasText: text }).waitFor();

export const actions = {
  async "run now, with and without parameters"({ server, open, allow }) {
    allow("422");
    await api(server, "POST", "/tasks", echo("runner"));
    const page = await open();
    await page.goto("/tasks?search=runner");
    await page.click("[aria-label='Run runner now']");
    await page.click("#dialog .btn-primary");
    await toast(page, "queued");
    const link = await page.locator("#toasts a").getAttribute("href");
    await ended(server, link.split("/").pop());
    await rowAct(page, "runner", "params");
    await page.click("#dialog .params-more > summary");
    await type(page, "#dialog [name='/params/sleep_ms']", "soon");
    await page.click("#dialog .btn-primary");
    await page.locator("#fault-params-sleep_ms", { hasText: "must be a whole number" }).waitFor();
    await type(page, "#dialog [name='/params/sleep_ms']", "0");
    await asJson(page);
    await page.fill("#field-params", '{"message": }');
    await page.click("#dialog .btn-primary");
    await page.locator("#fault-params", { hasText: "line 1, column 13" }).waitFor();
    await page.fill("#field-params", '{"message": "twice"}');
    await page.click("#params-to-fields");
    await type(page, "#dialog [name='/params/message']", "only this once");
    await page.click("#dialog .btn-primary");
    await page.locator("#toasts a").nth(1).waitFor();
    const second = (await page.locator("#toasts a").nth(1).getAttribute("href")).split("/").pop();
    assert.equal((await ended(server, second)).params.message, "only this once");
  },

  async "pause, resume and delete in the tasks list"({ server, open }) {
    await api(server, "POST", "/tasks", echo("moved"));
    const page = await open();
    await page.goto("/tasks?search=moved");
    await rowAct(page, "moved", "pause");
    await page.locator("tr[data-task=moved].is-paused").waitFor();
    assert.equal((await api(server, "GET", "/tasks/moved")).enabled, false);
    await rowAct(page, "moved", "resume");
    await page.locator("tr[data-task=moved]:not(.is-paused)").waitFor();
    await rowAct(page, "moved", "delete");
    await page.click("#dialog .btn-danger");
    await page.locator("tr[data-task=moved]").waitFor({ state: "detached" });
    await assert.rejects(api(server, "GET", "/tasks/moved"), /404/);
  },

  async "delete an account and revoke a token"({ server, open, allow }) {
    allow("409");
    await api(server, "POST", "/users", { name: "leaving", role: "viewer" });
    await api(server, "POST", "/tokens", { name: "leaving-too" });
    const page = await open();
    await page.goto("/settings/users");
    await page.click("[aria-label='Delete leaving']");
    await page.click("#dialog .btn-danger");
    await toast(page, "leaving was deleted");
    await page.locator("#live tr", { hasText: "leaving" }).waitFor({ state: "detached" });
    await page.click("[aria-label='Delete admin']");
    await page.click("#dialog .btn-danger");
    await toast(page, "no administrator would be left");
    await page.goto("/settings/tokens");
    await page.click("[aria-label='Revoke leaving-too']");
    await page.click("#dialog .btn-danger");
    await toast(page, "leaving-too was revoked");
    await page.locator("#live tr", { hasText: "leaving-too" }).waitFor({ state: "detached" });
  },

  async "bulk pause of selected tasks and bulk delete of all matching"({ server, open }) {
    for (const id of ["bulk-1", "bulk-2", "bulk-3"]) await api(server, "POST", "/tasks", echo(id, { tags: ["bulk"] }));
    const page = await open();
    await page.goto("/tasks?tag=bulk");
    await page.check("[aria-label='Select bulk-1']");
    await page.check("[aria-label='Select bulk-2']");
    await page.locator("#selected-count", { hasText: "2 selected" }).waitFor();
    await api(server, "PATCH", "/tasks/bulk-1", { name: "Renamed meanwhile" });
    await page.locator("tr[data-task=bulk-1]", { hasText: "Renamed meanwhile" }).waitFor();
    assert.ok(await page.isChecked("[aria-label='Select bulk-1']"), "an updated row stays selected");
    await page.click("#bulk [value=pause]");
    await page.locator("#dialog h1", { hasText: "Pause 2 tasks?" }).waitFor();
    await page.click("#dialog .btn-primary");
    await toast(page, "Done: 2 tasks.");
    const states = await Promise.all([1, 2, 3].map(async (n) => (await api(server, "GET", `/tasks/bulk-${n}`)).enabled));
    assert.deepEqual(states, [false, false, true]);
    await page.check("#select-all");
    await page.click("#bulk [value=delete]");
    await page.locator("#dialog h1", { hasText: "Delete 3 tasks?" }).waitFor();
    await page.click("#dialog .btn-danger");
    await page.locator("#list", { hasText: "Nothing matches" }).waitFor();
    assert.equal((await api(server, "GET", "/tasks?tag=bulk")).total, 0);
  },

  async "keyboard shortcuts and command palette"({ server, open }) {
    await api(server, "POST", "/tasks", echo("keys-a", { tags: ["keys"] }));
    await api(server, "POST", "/tasks", echo("keys-b", { tags: ["keys"] }));
    const page = await open();
    await page.goto("/tasks?tag=keys");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    assert.equal(await page.evaluate(() => document.activeElement.dataset.task), "keys-b");
    await page.keyboard.press("r");
    await page.locator("#dialog h1", { hasText: "keys-b" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("k");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/tasks/keys-a");
    await page.keyboard.press("?");
    await page.locator("#help[open]").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.fill("#palette-text", "keys-b");
    await page.locator("#palette-list [role=option]", { hasText: "keys-b" }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === "/tasks/keys-b");
    await page.keyboard.press("n");
    await page.waitForURL((url) => url.pathname === "/tasks/new");
  },
};
