// End-to-end tests of the pages in a browser: `npm test [part of a name …]`. SHARD=i/n runs the i-th (from 0) of n parts; each part has its own server.
import assert from "node:assert/strict";
import { browserPath, signIn, startBrowser, startServer } from "./lib.mjs";
import { accessibility } from "./tests/accessibility.mjs";
import { actions } from "./tests/actions.mjs";
import { attention } from "./tests/attention.mjs";
import { calendars } from "./tests/calendars.mjs";
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
const groups = [accessibility, forms, given, interaction, live, actions, lists, plain, views, pauses, attention, docs, transfer, calendars, incidents, secondFactor, tabs, firstRun, speed, workbench, queues, profiles];
const [shard, shards] = (process.env.SHARD ?? "0/1").split("/").map(Number);
const tests = Object.assign({}, ...groups.filter((_, index) => index % shards === shard));
const server = await startServer();
const browser = await startBrowser();
let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  if (wanted.length && !wanted.some((part) => name.includes(part))) continue;
  const begun = Date.now();
  const watched = [];
  const allowed = [];
  const used = [];
  // Each test has its own session; browser errors fail the test unless it allows them.
  const open = async (options = {}) => {
    const page = await signIn(browser, server, options);
    watch(page, watched);
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
await within(CLOSE_LIMIT, browser.close()).catch(() => {});
await server.stop();
if (failed) console.log(`${failed} failed`);
process.exit(failed ? 1 : 0);

/** The promise's result; an error if there is none after so many milliseconds. */
function within(limit, promise) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`no result within ${limit} ms`)), limit); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Records console errors, script errors, content security policy violations and requests to other hosts. */
function watch(page, complaints) {
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`); });
  page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== new URL(server.url).origin && url.protocol !== "data:") complaints.push(`another host: ${url}`);
  });
}
