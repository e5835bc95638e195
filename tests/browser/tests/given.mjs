// Run forms, hooks and heartbeats.
import assert from "node:assert/strict";
import { api, echo, ended } from "../lib.mjs";

export const given = {
  async "run form asks for the inputs of a task"({ server, open, allow }) {
    allow("422");
    await api(server, "POST", "/tasks", echo("asked", { params: { message: "{{ input.city }} {{ input.amount }} {{ input.force }}" } , inputs: [
      { name: "city", title: "City", required: true, default: "上海" },
      { name: "amount", type: "number" },
      { name: "mode", type: "choice", choices: ["full", "delta"], default: "delta" },
      { name: "force", type: "boolean" },
      { name: "token", type: "secret" },
    ] }));
    const page = await open();
    await page.goto("/tasks/asked");
    await page.click(".page-head .btn-primary");
    await page.locator("#dialog #input-city").waitFor();
    assert.equal(await page.inputValue("#dialog #input-city"), "上海");
    assert.equal(await page.inputValue("#dialog #input-mode"), "delta");
    await page.fill("#dialog #input-city", "杭州");
    await page.fill("#dialog #input-amount", "many");
    await page.click("#dialog .btn-primary");
    await page.locator("#dialog #input-amount-fault", { hasText: "must be a number" }).waitFor();
    assert.equal(await page.inputValue("#dialog #input-city"), "杭州", "what was typed stays");
    await page.fill("#dialog #input-amount", "12345678901234567890.5");
    await page.check("#dialog #input-force");
    await page.fill("#dialog #input-token", "hunter22");
    await page.click("#dialog .btn-primary");
    await page.locator(".toast-box", { hasText: "asked" }).first().waitFor();
    const { items } = await api(server, "GET", "/tasks/asked/executions");
    assert.equal((await ended(server, items[0].id)).result.message, "杭州 12345678901234567890.5 true");
    await page.goto(`/executions/${items[0].id}`);
    const shown = await page.locator("section", { has: page.locator("#given-title") }).innerText();
    assert.ok(shown.includes("杭州") && shown.includes("***") && !shown.includes("hunter22"), shown);
  },

  async "inputs are edited as rows of the task form"({ server, open }) {
    await api(server, "POST", "/tasks", echo("asking"));
    const page = await open();
    await page.goto("/tasks/asking/edit");
    await page.click("#inputs > summary");
    await page.fill("[name='/inputs/0/name']", "city");
    await page.click("[data-input-add]");
    await page.fill("[name='/inputs/1/name']", "mode");
    await page.selectOption("[name='/inputs/1/type']", "choice");
    await page.fill("[name='/inputs/1/choices']", "full\ndelta");
    await page.click(".form-foot .btn-primary");
    await page.waitForURL((url) => url.pathname === "/tasks/asking");
    const { inputs } = await api(server, "GET", "/tasks/asking");
    assert.deepEqual(inputs.map((input) => [input.name, input.type, input.choices]), [["city", "text", undefined], ["mode", "choice", ["full", "delta"]]]);
  },

  async "hook is shown once, called, replaced and revoked"({ server, open }) {
    await api(server, "POST", "/tasks", echo("hooked"));
    const page = await open();
    await page.goto("/tasks/hooked");
    await page.click("section:has(#hooks-title) a.ms-auto");
    await page.fill("#field-name", "ci");
    await page.click("main form.card .btn-primary");
    const url = (await page.locator("#hook-url").innerText()).trim();
    const called = await fetch(url, { method: "POST", body: "{}" });
    assert.equal(called.status, 202);
    const { execution_id: id } = await called.json();
    assert.equal((await api(server, "GET", `/executions/${id}`)).cause, "hook");
    await page.goto("/tasks/hooked/hooks");
    assert.equal(await page.locator("#hook-url").count(), 0, "shown once");
    await page.click("table a.btn-sm");
    await page.click("#dialog .btn-danger");
    const other = (await page.locator("#dialog #hook-url").innerText()).trim();
    assert.notEqual(other, url);
    assert.equal((await fetch(url, { method: "POST" })).status, 404);
    await page.goto("/tasks/hooked/hooks");
    await page.click("table .btn-ghost-danger");
    await page.click("#dialog .btn-danger");
    await page.locator(".toast-box", { hasText: "revoked" }).first().waitFor();
    assert.equal((await fetch(other, { method: "POST" })).status, 404);
  },

  async "heartbeat is made and shows its pings"({ server, open }) {
    const page = await open();
    await page.goto("/heartbeats/new");
    await page.fill("#field-id", "nightly");
    await page.fill("#field-period_seconds", "3600");
    await page.click(".form-foot .btn-primary");
    await page.waitForURL((url) => url.pathname === "/heartbeats/nightly");
    const url = (await page.locator("#ping-url").innerText()).trim();
    assert.ok((await page.locator("#snippet-crontab").innerText()).includes(url));
    assert.equal(await (await fetch(`${url}/7`, { method: "POST", body: "disk full" })).text(), "OK");
    await page.reload();
    await page.locator(".ping-failed").waitFor();
    await page.locator(".ping-body", { hasText: "disk full" }).waitFor();
    await page.locator("h1 .heartbeat-down").waitFor();
    await fetch(url);
    await page.goto("/heartbeats");
    await page.locator("tr", { hasText: "nightly" }).locator(".heartbeat-up").waitFor();
  },
};
