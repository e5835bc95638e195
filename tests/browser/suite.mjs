// End-to-end tests of the pages in a browser: `npm test [part of a name …]`. WORKERS=n runs n groups of tests at a time; each worker has its own server and browser.
import assert from "node:assert/strict";
import { browserPath, openPage, signIn, startBrowser, startServer } from "./lib.mjs";
import { accessibility } from "./tests/accessibility.mjs";
import { actions } from "./tests/actions.mjs";
import { attention } from "./tests/attention.mjs";
import { calendars } from "./tests/calendars.mjs";
import { channels } from "./tests/channels.mjs";
import { incidents } from "./tests/incidents.mjs";
import { docs } from "./tests/docs.mjs";
import { firstRun } from "./tests/first_run.mjs";
import { forms } from "./tests/forms.mjs";
import { given } from "./tests/given.mjs";
import { interaction } from "./tests/interaction.mjs";
import { lists } from "./tests/lists.mjs";
import { live } from "./tests/live.mjs";
import { pauses } from "./tests/pauses.mjs";
import { queues } from "./tests/queues.mjs";
import { speed } from "./tests/speed.mjs";
import { tabs } from "./tests/tabs.mjs";
import { transfer } from "./tests/transfer.mjs";
import { plain } from "./tests/plain.mjs";
import { profiles } from "./tests/profiles.mjs";
import { secondFactor } from "./tests/second_factor.mjs";
import { views } from "./tests/views.mjs";
import { workbench } from "./tests/workbench.mjs";

if (!browserPath()) {
  console.error("no Chromium is installed; set CHROMIUM to the path of one");
  process.exit(2);
}

/** Milliseconds that a test may take, and that closing a page or the browser may take. */
const TEST_LIMIT = 480_000;
const CLOSE_LIMIT = 15_000;
const wanted = process.argv.slice(2);
// The longest ones come first, so that no worker is left alone with one at the end.
const groups = [accessibility, interaction, lists, forms, tabs, workbench, secondFactor, live, actions, attention, views, plain, given, calendars, pauses, queues, docs, transfer, incidents, channels, firstRun, speed, profiles];
const isWanted = (name) => !wanted.length || wanted.some((part) => name.includes(part));
const queue = groups.map((group) => Object.entries(group).filter(([name]) => isWanted(name))).filter((tests) => tests.length);
const workers = Math.min(Number(process.env.WORKERS ?? 1), queue.length);
let failed = 0;
await Promise.all(Array.from({ length: workers }, work));
if (failed) console.log(`${failed} failed`);
process.exit(failed ? 1 : 0);

/** Runs groups of tests until none is left. Each group has a server of its own, whichever worker takes it. */
async function work() {
  const browser = await startBrowser();
  for (let tests = queue.shift(); tests; tests = queue.shift()) {
    const server = await startServer();
    const worker = { server, browser, session: null };
    for (const [name, test] of tests) await run(worker, name, test);
    await server.kill(); // an orderly end would wait for its runs
    await server.stop();
  }
  await within(CLOSE_LIMIT, browser.close()).catch(() => {});
}

/** Runs a test. Each has pages of its own; browser errors fail it unless it allows them. */
async function run(worker, name, test) {
  const { server, browser } = worker;
  const begun = Date.now();
  const watched = [];
  const allowed = [];
  const used = [];
  const open = async (options = {}) => {
    const page = await signedIn(worker, options);
    watch(page, server, watched);
    used.push(page);
    return page;
  };
  try {
    const skipped = await within(TEST_LIMIT, test({ server, browser, open, allow: (part) => allowed.push(part) }));
    const complaints = watched.filter((text) => !allowed.some((part) => text.includes(part)));
    assert.deepEqual(complaints, [], "browser errors");
    console.log(skipped ? `skip ${name}: ${skipped}` : `ok   ${name} (${Date.now() - begun} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n${error.stack}`);
  }
  for (const page of used) await within(CLOSE_LIMIT, page.context().close()).catch(() => {});
}

/** Opens the overview, signed in: with the session of an earlier page as long as it lasts. */
async function signedIn(worker, options) {
  if (worker.session) {
    const page = await openPage(worker.browser, { baseURL: worker.server.url, ...options });
    await page.context().addCookies([worker.session]);
    await page.goto("/");
    if (new URL(page.url()).pathname === "/") return page;
    await page.context().close();
  }
  const page = await signIn(worker.browser, worker.server, options);
  worker.session = (await page.context().cookies()).find(({ name }) => name === "belfry_session") ?? null;
  return page;
}

/** The promise's result; an error if there is none after so many milliseconds. */
function within(limit, promise) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`no result within ${limit} ms`)), limit); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Records console errors, script errors, content security policy violations and requests to other hosts. */
function watch(page, server, complaints) {
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`); });
  page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== new URL(server.url).origin && url.protocol !== "data:") complaints.push(`another host: ${url}`);
  });
}
