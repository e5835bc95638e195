// Accessibility check with axe on every page, in both themes and both languages.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { api, echo, ended } from "../lib.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Runs axe in the page: all rules in the light theme; in the dark theme, which only changes colours, the rules of colours. */
async function axe(page, colorScheme) {
  await page.evaluate(AXE);
  const only = colorScheme === "dark" ? { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } } : {};
  return page.evaluate((options) => globalThis.axe.run(document, { resultTypes: ["violations"], ...options }), only);
}

let prepared;

/** Makes what the pages show, once; resolves with the addresses of pages, and with forms to submit: page, form, values. */
function prepare(server) {
  prepared ??= makePages(server);
  return prepared;
}

async function makePages(server) {
  await api(server, "POST", "/tasks", echo("axe", { tags: ["axe"], name: "Axe" }));
  await api(server, "POST", "/notify-channels", { name: "axe", type: "slack", url: "http://127.0.0.1:9/services/a/b/c" });
  await api(server, "POST", "/notify-rules", { name: "axe", tasks: { ids: ["axe"], types: ["send_cmd"] }, events: ["failed"], channels: ["axe"] });
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
  pages.push("/settings/secrets", "/settings/channels", "/settings/datasources", "/audit", "/audit?target=task%3Aaxe", "/tasks/axe", "/tasks/axe/versions", "/tasks/axe/pause", "/tasks/axe/occurrences", "/tasks/axe/why?at=2035-01-01");
  await api(server, "POST", "/calendars", { name: "axe-closed", base: "cn", closures: [{ window: "22:00-23:00" }] });
  await api(server, "POST", "/freezes", { tag: "axe", until: new Date(Date.now() + 3_600_000).toISOString(), reason: "axe" });
  pages.push("/calendars", "/calendars/cn", "/calendars/cn?year=2100", "/calendars/axe-closed/edit", "/calendars/axe-closed/import", "/freezes");
  const inputs = ["text", "number", "choice", "date", "boolean", "secret"].map((type) => ({ name: type, type, ...(type === "choice" ? { choices: ["a", "b"] } : {}) }));
  await api(server, "POST", "/tasks", echo("axe-inputs", { inputs }));
  await api(server, "POST", "/tasks/axe-inputs/hooks", { name: "axe" });
  await api(server, "POST", "/heartbeats", { id: "axe", cron: "0 3 * * *", tags: ["axe"] });
  pages.push("/tasks/axe-inputs", "/tasks/axe-inputs/run", "/tasks/axe-inputs/edit", "/tasks/axe-inputs/hooks", "/heartbeats", "/heartbeats/axe", "/heartbeats/axe/edit");
  await api(server, "POST", "/tasks/axe-fails/mute", { until: new Date(Date.now() + 3_600_000).toISOString() });
  const { items: incidents } = await api(server, "GET", "/incidents?task_id=axe-fails");
  pages.push("/incidents", "/incidents?status=closed", `/incidents/${incidents[0].id}`);
  pages.push("/settings/rules", "/settings/rules/new", "/settings/rules/edit?name=axe", "/settings/rules/delete?name=axe");
  pages.push("/nodes", "/settings/queues", "/settings/queues/limit?name=slow", "/?trend=month", "/executions?task_id=axe-fails", "/views", "/settings/mail", "/settings/sms", "/settings/datasources", "/settings/http", "/settings/transfer");
  await api(server, "POST", "/smtp", { name: "axe", host: "mail.example.com", user: "b@example.com", password: "hunter2-hunter2" });
  for (const kind of ["smtp", "sms", "datasource", "http"]) pages.push(`/settings/profiles/new?kind=${kind}`);
  pages.push("/settings/profiles/edit?kind=smtp&name=axe", "/settings/profiles/edit?kind=smtp&name=office", "/settings/profiles/delete?kind=smtp&name=axe");
  // Responses to submitted forms: errors, test results and confirmations.
  const forms = [
    ["/tasks/new", "#task-form", { "#field-id": "no good", "#field-trigger-expression": "0 25 * * *", "[name='/params/command']": "", "#field-chain-0-task": "-" }],
    ["/tasks/axe/edit", "#task-form", { "[name=version]": "0", "#field-name": "Other" }],
    ["/tasks/axe/run?params=1", "main form", { "[name='/params/sleep_ms']": "soon" }],
    ["/tasks/axe-inputs/run", "main form", { "#input-number": "two" }],
    ["/tasks/axe-inputs/hooks", "main form.card", { "#field-name": "ci" }],
    ["/heartbeats/new", "main form", { "#field-cron": "0 25 * * *" }],
    ["/account", "main form.card", {}],
    ["/settings/secrets", "main form", { "#field-name": "<b>", "#field-value": "x" }],
    ["/settings/users", "main form", { "#field-name": "no good" }],
    ["/settings/rules/new", "main form", { "#field-name": "no good", "#field-remind_every_seconds": "1" }],
    ["/settings/tokens", "main form", {}],
    ["/settings/mail", "main form", { "#field-to": "nobody" }],
    ["/settings/mail", "main form", { "#field-to": "a@example.com" }],
    ["/settings/sms", "main form", { "#field-to": "nobody" }],
    ["/settings/profiles/new?kind=smtp", "main form", { "#field-name": "no good", "#field-port": "many" }],
    ["/settings/transfer", "form.card", { "#transfer-document": "tasks: [{id: axe-new, type: echo, trigger: {type: idle}, params: {message: a}}]" }],
    ["/settings/transfer", "form.card", { "#transfer-document": "tasks: [{id: no good}]" }],
    ["/calendars/axe-closed/edit", "main form", { "#field-dates": "soon", "#field-closures": "never" }],
    ["/calendars/axe-closed/import", "main form", { "#calendar-text": "2027-01-01,off" }],
    ["/freezes", "main form", {}],
    ["/tasks?search=tag:axe", ".views form", {}],
  ];
  return { pages, forms };
}

/** Reads all pages and the responses to all forms in one language, in both themes at once. */
async function check(server, open, locale) {
  const { pages, forms } = await prepare(server);
  const faults = [];
  const readThrough = async (colorScheme) => {
    const page = await open({ colorScheme, locale, bypassCSP: true });
    page.removeAllListeners("console");
    const checkPage = async (path) => {
      await page.waitForTimeout(150);
      const found = await axe(page, colorScheme).catch(async (error) => {
        // A navigation that ends late takes the script with it; the page that it led to is the one to check.
        if (!error.message.includes("Execution context was destroyed")) throw error;
        await page.waitForLoadState();
        return axe(page, colorScheme);
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
  await Promise.all(["light", "dark"].map((colorScheme) => readThrough(colorScheme)));
  assert.deepEqual(faults, []);
}

export const accessibility = {
  async "accessibility of all pages in English"({ server, open }) {
    await check(server, open, "en-US");
  },

  async "accessibility of all pages in Chinese"({ server, open }) {
    await check(server, open, "zh-CN");
  },
};
