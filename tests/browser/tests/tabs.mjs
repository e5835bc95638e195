// Several tabs and sign-ins: one event stream a browser, what was typed survives, the server's clock, zones.
import assert from "node:assert/strict";
import { api, echo, ended, signIn } from "../lib.mjs";

const live = (page) => page.locator("#live-status[data-state=live]").waitFor({ state: "attached" });

/** Simulates that a tab becomes hidden or visible; headless tabs are always visible. */
const turn = (page, hidden) =>
  page.evaluate((now) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => now });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

/** Counts the open event streams of a tab. */
async function countStreams(page) {
  await page.addInitScript(() => {
    window.streams = 0;
    const Original = window.EventSource;
    window.EventSource = class extends Original {
      constructor(...given) { super(...given); window.streams += 1; }
      close() { if (this.readyState !== 2) window.streams -= 1; super.close(); }
    };
  });
}
const streams = async (tabs) => (await Promise.all(tabs.map((tab) => tab.evaluate(() => window.streams)))).reduce((sum, one) => sum + one, 0);

export const tabs = {
  async "eight tabs share one event stream"({ server, open }) {
    await api(server, "POST", "/tasks", echo("shared-stream"));
    const first = await open();
    const all = [first];
    while (all.length < 8) all.push(await first.context().newPage());
    for (const tab of all) {
      await countStreams(tab);
      await tab.goto("/tasks?search=shared-stream");
      await live(tab);
    }
    assert.equal(await streams(all), 1);
    await api(server, "POST", "/tasks/shared-stream/pause");
    for (const tab of all) await tab.locator("tr[data-task=shared-stream].is-paused").waitFor();
    // The leading tab goes: another one leads, and nothing is missed.
    await turn(all[0], true);
    assert.equal(await all[0].evaluate(() => window.streams), 0);
    await api(server, "POST", "/tasks/shared-stream/resume");
    for (const tab of all.slice(1)) await tab.locator("tr[data-task=shared-stream]:not(.is-paused)").waitFor();
    assert.equal(await streams(all), 1);
    for (const tab of all.slice(1)) await turn(tab, true);
    assert.equal(await streams(all), 0, "hidden tabs hold no stream");
    await turn(all[0], false);
    await all[0].locator("tr[data-task=shared-stream]:not(.is-paused)").waitFor();
    assert.equal(await streams(all), 1);
    for (const tab of all.slice(1)) await tab.close();
  },

  async "over plain HTTP from another host each visible tab has a stream"({ server, browser }) {
    await api(server, "POST", "/tasks", echo("insecure"));
    const page = await signIn(browser, { ...server, url: server.url.replace("127.0.0.1", "belfry.test") });
    await countStreams(page);
    await page.goto("/tasks?search=insecure");
    await live(page);
    assert.equal(await page.evaluate(() => typeof navigator.locks), "undefined");
    await turn(page, true);
    assert.equal(await page.evaluate(() => window.streams), 0);
    await api(server, "POST", "/tasks/insecure/pause");
    await turn(page, false);
    await page.locator("tr[data-task=insecure].is-paused").waitFor();
    await page.context().close();
  },

  async "text survives a sign-in while editing"({ server, open, allow }) {
    allow("401");
    await api(server, "POST", "/tasks", echo("kept"));
    const page = await open();
    for (const [path, submit] of [["/tasks/kept/edit", true], ["/tasks/new?type=echo", false]]) {
      await page.goto(path);
      if (path.includes("new")) await page.locator("#field-id").fill("typed-before");
      await page.locator("#field-description").click();
      await page.keyboard.type("typed before the session ended");
      await page.context().clearCookies({ name: "belfry_session" });
      if (submit) await page.click(".form-foot .btn-primary");
      else await page.locator("[name='/params/message']").evaluate((box) => { box.value = "still here"; box.dispatchEvent(new Event("input", { bubbles: true })); });
      await page.waitForURL((url) => url.pathname === "/login");
      await page.fill("[name=name]", "admin");
      await page.fill("[name=password]", "correct horse");
      await page.click("main button:not([type=button])");
      await page.waitForURL((url) => `${url.pathname}${url.search}` === path);
      assert.equal(await page.inputValue("#field-description"), "typed before the session ended");
      if (!submit) assert.equal(await page.inputValue("[name='/params/message']"), "still here");
    }
    await page.click(".form-foot .btn-primary");
    await page.waitForURL((url) => url.pathname === "/tasks/typed-before");
    assert.equal((await api(server, "GET", "/tasks/typed-before")).description, "typed before the session ended");
  },

  async "countdowns follow the server's clock"({ server, open }) {
    await api(server, "POST", "/tasks", echo("counted-down", { trigger: { type: "interval", hours: 10 } }));
    const page = await open();
    // This computer's clock is two hours slow.
    await page.addInitScript(() => {
      const now = Date.now;
      Date.now = () => now() - 7_200_000;
      Object.defineProperty(performance, "timeOrigin", { get: () => now() - performance.now() - 7_200_000 });
    });
    await page.goto("/tasks?search=counted-down");
    await page.locator("[data-countdown]", { hasText: /in (9 h|10 h)/ }).waitFor();
  },

  async "a rule and its next run are shown in the task's zone"({ server, open }) {
    await api(server, "POST", "/tasks", echo("zoned", { trigger: { type: "cron", expression: "0 8 * * *", timezone: "Asia/Tokyo" } }));
    const page = await open({ timezoneId: "America/New_York" });
    for (const path of ["/tasks?search=zoned", "/tasks/zoned"]) {
      await page.goto(path);
      const next = page.locator("time[data-when=zoned]").first();
      assert.match(await next.textContent(), / 08:00(:00)?$/, path);
      assert.match(await next.getAttribute("title"), /Asia\/Tokyo · .*America\/New_York$/, path);
      await page.locator(".zone", { hasText: "Asia/Tokyo" }).first().waitFor();
    }
  },

  async "executions of a deleted task do not link to it"({ server, open }) {
    await api(server, "POST", "/tasks", echo("gone-task"));
    const run = await api(server, "POST", "/tasks/gone-task/run", {});
    await ended(server, run.id);
    const page = await open();
    await page.goto("/executions?task_id=gone-task");
    assert.equal(await page.locator("a[href='/tasks/gone-task']").count(), 1);
    await api(server, "DELETE", "/tasks/gone-task");
    await page.goto("/executions?task_id=gone-task");
    assert.equal(await page.locator("a[href='/tasks/gone-task']").count(), 0);
    await page.locator(`tr[data-execution="${run.id}"]`, { hasText: "gone-task" }).waitFor();
  },

  async "a filtered list offers only new executions that match, with their number"({ server, open }) {
    for (const id of ["offered-a", "offered-b"]) await api(server, "POST", "/tasks", echo(id, { policy: { on_overlap: "allow" } }));
    await ended(server, (await api(server, "POST", "/tasks/offered-a/run", {})).id);
    const page = await open();
    await page.goto("/executions?task_id=offered-a");
    await live(page);
    const asked = page.waitForResponse((response) => response.url().includes("/executions/-/newer"));
    await ended(server, (await api(server, "POST", "/tasks/offered-b/run", {})).id);
    assert.deepEqual(await (await asked).json().then(({ count }) => count), 0);
    assert.equal(await page.locator("#offer").isVisible(), false, "a run of another task is not offered");
    for (let n = 0; n < 2; n += 1) await api(server, "POST", "/tasks/offered-a/run", {});
    await page.locator("#offer", { hasText: "2 new" }).waitFor();
  },

  async "menus open within the window"({ open }) {
    for (const width of [360, 768, 1280, 1440]) {
      const page = await open({ viewport: { width, height: 800 } });
      await page.goto("/tasks");
      assert.ok(!(await page.locator("#row-menu").isVisible()), "the row menu is closed at first");
      await page.goto("/executions");
      if (width <= 700) await page.click(".filter-open");
      for (const summary of await page.locator(".filters details.menu > summary, .ranges details.menu > summary").all()) {
        // On a phone the filters are in a sheet.
        if (!(await summary.isVisible())) continue;
        await summary.click();
        const box = await page.locator("details.menu[open] .menu-body").boundingBox();
        assert.ok(box.x >= 0 && box.x + box.width <= width, `at ${width}: ${JSON.stringify(box)}`);
        await summary.click();
      }
    }
  },
};
