// End-to-end tests of the pages in a browser: `npm test [part of a name …]`.
import assert from "node:assert/strict";
import { browserPath, signIn, startBrowser, startServer } from "./lib.mjs";
import { accessibility } from "./tests/accessibility.mjs";
import { actions } from "./tests/actions.mjs";
import { attention } from "./tests/attention.mjs";
import { docs } from "./tests/docs.mjs";
import { forms } from "./tests/forms.mjs";
import { lists } from "./tests/lists.mjs";
import { live } from "./tests/live.mjs";
import { transfer } from "./tests/transfer.mjs";
import { plain } from "./tests/plain.mjs";
import { secondFactor } from "./tests/second_factor.mjs";
import { views } from "./tests/views.mjs";

if (!browserPath()) {
  console.error("no Chromium is installed; set CHROMIUM to the path of one");
  process.exit(2);
}

const wanted = process.argv.slice(2);
const tests = { ...forms, ...actions, ...lists, ...live, ...plain, ...views, ...docs, ...attention, ...transfer, ...secondFactor, ...accessibility };
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
    const skipped = await test({ server, browser, open, allow: (part) => allowed.push(part) });
    const complaints = watched.filter((text) => !allowed.some((part) => text.includes(part)));
    assert.deepEqual(complaints, [], "browser errors");
    console.log(skipped ? `skip ${name}: ${skipped}` : `ok   ${name} (${Date.now() - begun} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n${error.stack}`);
  }
  for (const page of used) await page.context().close();
}
await browser.close();
await server.stop();
if (failed) {
  console.log(`${failed} failed`);
  process.exit(1);
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
