// Screenshots of every page: `npm run shots [-- folder]`. Two desktops, dark, Chinese, and a phone of 360 pixels.
// With `--docs`, only those that the docs show, written to docs/.
import { mkdirSync } from "node:fs";
import { api, echo, ended, signIn, startBrowser, startServer } from "./lib.mjs";

const docs = process.argv[2] === "--docs";
const folder = docs ? new URL("../../docs", import.meta.url).pathname : (process.argv[2] ?? "shots");
mkdirSync(folder, { recursive: true });
const server = await startServer();
const browser = await startBrowser();
try {
  const empty = await signIn(browser, server);
  if (!docs) await empty.screenshot({ path: `${folder}/desktop-empty.png`, fullPage: true });
  await empty.context().close();
  const paths = await fill();
  if (docs) {
    for (const [name, options] of Object.entries({ overview: {}, tasks: { colorScheme: "dark" }, execution: {}, "task-form": {} })) {
      const page = await signIn(browser, server, { viewport: { width: 1320, height: 800 }, ...options });
      await page.goto(paths[name]);
      if (name === "task-form") await fillForm(page);
      await page.waitForTimeout(500);
      await page.screenshot({ path: `${folder}/${name}.png` });
      await page.context().close();
    }
  }
  const variants = docs ? {} : {
    desktop: { viewport: { width: 1440, height: 900 } },
    small: { viewport: { width: 1280, height: 800 } },
    dark: { colorScheme: "dark" },
    chinese: { locale: "zh-CN" },
    phone: { viewport: { width: 360, height: 740 } },
  };
  for (const [variant, options] of Object.entries(variants)) {
    const page = await signIn(browser, server, options);
    for (const [name, path] of Object.entries(paths)) {
      await page.goto(path);
      await page.waitForTimeout(300);
      await page.screenshot({ path: `${folder}/${variant}-${name}.png`, fullPage: true });
    }
    await page.context().close();
  }
} finally {
  await browser.close();
  await server.stop();
}

/** Fills in a daily request. */
async function fillForm(page) {
  await page.fill("#field-id", "morning-sync");
  await page.fill("[name='/params/url']", "https://example.com/sync");
  await page.waitForTimeout(800);
}

/** Creates tasks of all kinds and some runs; returns the pages to capture. */
async function fill() {
  const cmd = (id, command, more = {}) => ({ id, type: "send_cmd", trigger: { type: "interval", minutes: 5 }, params: { command }, ...more });
  const list = [
    echo("daily-report", { name: "Daily report", tags: ["report"], trigger: { type: "cron", day_of_week: "mon-fri", hour: 8 } }),
    echo("heartbeat", { trigger: { type: "interval", seconds: 20 } }),
    echo("new-year", { trigger: { type: "date", run_date: "2099-01-01 00:00:00" } }),
    echo("when-idle", { trigger: { type: "idle", idle_duration: 3600 } }),
    cmd("backup", "echo starting; printf '\\033[32mok\\033[0m \\033[1;31mbad\\033[0m\\n'; echo warning >&2; sleep 0.3", { tags: ["ops"] }),
    cmd("broken", "echo connection refused >&2; exit 3"),
    cmd("broken-too", "exit 3"),
    cmd("slow", "for i in 1 2 3 4 5 6; do echo step $i; sleep 20; done"),
  ];
  for (const task of list) await api(server, "POST", "/tasks", task);
  await api(server, "POST", "/tasks/new-year/pause");
  await api(server, "PATCH", "/tasks/heartbeat", { description: "Checks that the scheduler runs.", trigger: { seconds: 30 } });
  await api(server, "POST", "/users", { name: "vera", role: "editor", grants: ["send_cmd"] });
  await api(server, "POST", "/tokens", { name: "deployment", role: "operator", expires_at: "2099-01-01 00:00:00" });
  await api(server, "PUT", "/secrets/db.main", { value: "not to be seen" });
  let last;
  for (let round = 0; round < 5; round += 1) {
    for (const id of ["backup", "broken", "broken-too", "daily-report", "heartbeat"]) {
      const run = await api(server, "POST", `/tasks/${id}/run`, {});
      await ended(server, run.id);
      if (id === "backup") last = run.id;
    }
  }
  await api(server, "POST", "/tasks/slow/run", {});
  return {
    overview: "/",
    tasks: "/tasks",
    task: "/tasks/heartbeat",
    form: "/tasks/new?type=send_cmd",
    "task-form": "/tasks/new?type=http_request",
    edit: "/tasks/backup/edit",
    executions: "/executions",
    execution: `/executions/${last}`,
    types: "/task-types",
    calendar: "/calendar",
    month: "/calendar?view=month",
    day: "/calendar?view=day",
    week: "/?trend=week",
    filtered: "/executions?task_id=backup",
    docs: "/docs",
    queues: "/settings/queues",
    limit: "/settings/queues/limit?name=slow",
    calendars: "/calendars",
    year: "/calendars/cn?year=2026",
    newCalendar: "/calendars/-/new",
    freezes: "/freezes",
    account: "/account",
    tokens: "/settings/tokens",
    users: "/settings/users",
    user: "/settings/users/edit?name=vera",
    secrets: "/settings/secrets",
    datasources: "/settings/datasources",
    audit: "/audit",
    nodes: "/nodes",
    views: "/views",
    mail: "/settings/mail",
    sms: "/settings/sms",
    http: "/settings/http",
    profile: "/settings/profiles/new?kind=smtp",
    transfer: "/settings/transfer",
    second: "/account/second-factor",
    versions: "/tasks/heartbeat/versions",
    run: "/tasks/backup/run?params=1",
  };
}
