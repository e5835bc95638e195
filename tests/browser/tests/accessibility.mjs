// Accessibility check with axe on every page, in both themes and both languages.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { api, echo, ended } from "../lib.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Runs axe in the page. */
async function axe(page) {
  await page.evaluate(AXE);
  return page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
}

export const accessibility = {
  async "accessibility of all pages"({ server, open }) {
    await api(server, "POST", "/tasks", echo("axe", { tags: ["axe"], name: "Axe" }));
    const task = { id: "axe-fails", type: "send_cmd", trigger: { type: "interval", minutes: 30 }, params: { command: "echo no >&2; exit 1" } };
    await api(server, "POST", "/tasks", task);
    const run = await api(server, "POST", "/tasks/axe-fails/run", {});
    await ended(server, run.id);
    const pages = ["/", "/tasks?search=axe", "/tasks/axe-fails", "/tasks/new?type=send_cmd", "/tasks/axe/edit", "/tasks/axe/run?params=1", "/executions"];
    pages.push(`/executions/${run.id}`, "/calendar", "/calendar?view=month", "/task-types", "/nowhere", "/tasks/-/bulk?action=pause&id=axe");
    await api(server, "PUT", "/secrets/axe", { value: "axe" });
    await api(server, "PATCH", "/tasks/axe", { name: "Axe again" });
    await api(server, "POST", "/tokens", { name: "axe" });
    await api(server, "POST", "/users", { name: "axe", role: "viewer", grants: ["send_cmd"] });
    pages.push("/account", "/settings/tokens", "/settings/users", "/settings/users/edit?name=axe", "/settings/users/delete?name=axe");
    pages.push("/settings/secrets", "/settings/datasources", "/audit", "/audit?target=task%3Aaxe", "/tasks/axe", "/tasks/axe/versions");
    pages.push("/nodes", "/views", "/settings/mail", "/settings/sms", "/settings/transfer");
    // Responses to submitted forms: errors, test results and confirmations.
    const forms = [
      ["/tasks/new", "#task-form", { "#field-id": "no good", "#field-trigger-expression": "0 25 * * *", "#field-params": "{", "#field-chain-0-task": "-" }],
      ["/tasks/axe/edit", "#task-form", { "[name=version]": "0", "#field-name": "Other" }],
      ["/tasks/axe/run?params=1", "main form", { "#confirm-params": "{" }],
      ["/account", "main form.card", {}],
      ["/settings/secrets", "main form", { "#field-name": "<b>", "#field-value": "x" }],
      ["/settings/users", "main form", { "#field-name": "no good" }],
      ["/settings/tokens", "main form", {}],
      ["/settings/mail", "main form", { "#field-to": "nobody" }],
      ["/settings/mail", "main form", { "#field-to": "a@example.com" }],
      ["/settings/sms", "main form", { "#field-to": "nobody" }],
      ["/settings/transfer", "form.card", { "#transfer-document": "tasks: [{id: axe-new, type: echo, trigger: {type: idle}, params: {message: a}}]" }],
      ["/settings/transfer", "form.card", { "#transfer-document": "tasks: [{id: no good}]" }],
      ["/tasks?search=tag:axe", ".views form", {}],
    ];
    const faults = [];
    const readThrough = async (colorScheme, locale) => {
      const page = await open({ colorScheme, locale, bypassCSP: true });
      page.removeAllListeners("console");
      const checkPage = async (path) => {
        await page.waitForTimeout(150);
        const found = await axe(page).catch(async (error) => {
          // A navigation that ends late takes the script with it; the page that it led to is the one to check.
          if (!error.message.includes("Execution context was destroyed")) throw error;
          await page.waitForLoadState();
          return axe(page);
        });
        for (const fault of found.violations) {
          faults.push(`${path} ${colorScheme} ${locale}: ${fault.id}: ${fault.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`);
        }
      };
      for (const path of pages) {
        await page.goto(path);
        await checkPage(path);
      }
      for (const [path, form, values] of forms) {
        await page.goto(path);
        for (const [field, value] of Object.entries(values)) await page.evaluate(([at, text]) => { document.querySelector(at).value = text; }, [field, value]);
        await Promise.all([page.waitForNavigation(), page.evaluate((at) => document.querySelector(at).submit(), form)]);
        await checkPage(`${path}, sent`);
      }
      await page.context().close();
    };
    // Both themes in parallel.
    for (const locale of ["en-US", "zh-CN"]) await Promise.all(["light", "dark"].map((colorScheme) => readThrough(colorScheme, locale)));
    assert.deepEqual(faults, []);
  },
};
