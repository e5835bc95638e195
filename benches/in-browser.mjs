// Measures the pages in Chromium: the work of the main thread while runs end, and the time from a click until its effect is seen.
// Usage: BELFRY=<an optimised belfry> node benches/in-browser.mjs [tasks]    (after npm ci --prefix tests/browser)
import { api, echo, signIn, startBrowser, startServer } from "../tests/browser/lib.mjs";

const TASKS = Number(process.argv[2] ?? 500);
const ROUNDS = 15;
const CHANGES_PER_SECOND = 5;
const SECONDS = 20;

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Milliseconds from the click on an action of a row until the row shows it. */
async function actionTime(page, id, act, shown) {
  await page.click(`tr[data-task="${id}"] [data-menu]`);
  await page.locator(`#row-menu [data-act=${act}]`).waitFor();
  return page.evaluate(
    ([id, act, shown]) =>
      new Promise((resolve) => {
        let began;
        const look = () => {
          if (!document.querySelector(`tr[data-task="${id}"]${shown}`)) return;
          observer.disconnect();
          resolve(performance.now() - began);
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { subtree: true, childList: true, attributes: true });
        began = performance.now();
        document.querySelector(`#row-menu [data-act=${act}]`).click();
      }),
    [id, act, shown],
  );
}

/** Milliseconds a second that the main thread works while runs of shown tasks end. */
async function mainThread(page, server, ids) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const worked = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find((metric) => metric.name === "TaskDuration").value * 1000;
  };
  const before = await worked();
  const began = Date.now();
  for (let change = 0; change < CHANGES_PER_SECOND * SECONDS; change += 1) {
    await api(server, "POST", `/tasks/${ids[change % ids.length]}/run`, {});
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + ((change + 1) * 1000) / CHANGES_PER_SECOND - Date.now())));
  }
  return ((await worked()) - before) / SECONDS;
}

const server = await startServer();
const browser = await startBrowser();
try {
  for (let first = 0; first < TASKS; first += 100) {
    const tasks = Array.from({ length: Math.min(100, TASKS - first) }, (_, place) => echo(`task-${String(first + place).padStart(4, "0")}`));
    await api(server, "POST", "/import", { version: 1, tasks });
  }
  const page = await signIn(browser, server);
  await page.goto("/tasks");
  await page.waitForTimeout(1500);
  const ids = await page.locator("tr[data-task]").evaluateAll((rows) => rows.map((row) => row.dataset.task));
  const [pauses, resumes] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const id = ids[round % ids.length];
    pauses.push(await actionTime(page, id, "pause", ".is-paused"));
    resumes.push(await actionTime(page, id, "resume", ":not(.is-paused)"));
  }
  const working = await mainThread(page, server, ids);
  console.log(`rows                                        ${ids.length}`);
  console.log(`pause until its row shows it, median / max  ${median(pauses).toFixed(0)} / ${Math.max(...pauses).toFixed(0)} ms`);
  console.log(`resume, median / max                        ${median(resumes).toFixed(0)} / ${Math.max(...resumes).toFixed(0)} ms`);
  console.log(`main thread at ${CHANGES_PER_SECOND} runs a second               ${working.toFixed(1)} ms/s`);
} finally {
  await browser.close();
  await server.stop();
}
