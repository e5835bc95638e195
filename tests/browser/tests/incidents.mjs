// Incidents and notification rules.
import assert from "node:assert/strict";
import { api, ended } from "../lib.mjs";

const channel = { name: "board", type: "slack", url: "http://127.0.0.1:9/services/a/b/c" };

/** Runs a task that fails, and returns its open incident. */
async function failed(server, id) {
  const params = { command: "echo disk /dev/sda7 is full >&2; exit 1" };
  await api(server, "POST", "/tasks", { id, type: "send_cmd", trigger: { type: "cron", year: 2099 }, params });
  const run = await api(server, "POST", `/tasks/${id}/run`, {});
  await ended(server, run.id);
  const { items } = await api(server, "GET", `/incidents?status=open&task_id=${id}`);
  return items[0];
}

export const incidents = {
  async "incidents: a rule made on its page opens one, which is acknowledged and closed"({ server, open, allow }) {
    allow("422");
    await api(server, "POST", "/notify-channels", channel);
    const page = await open();
    await page.goto(`/settings/rules/new`);
    await page.locator("#field-name").fill("no good");
    await page.locator("main form .btn-primary").click();
    await page.locator(".field-fault:not(:empty)").first().waitFor();
    assert.equal(await page.locator("#field-name").inputValue(), "no good", "what was typed stays");
    await page.locator("#field-name").fill("watch-all");
    await page.locator("#field-tasks-all").check();
    await page.locator("[name='/channels'][value=board]").check();
    await page.locator("main form .btn-primary").click();
    await page.waitForURL("**/settings/rules");
    const rule = await api(server, "GET", "/notify-rules/watch-all");
    assert.deepEqual([rule.tasks.all, rule.events, rule.channels], [true, ["failed", "recovered"], ["board"]]);
    const incident = await failed(server, "incident-a");
    await page.goto(`/`);
    await page.locator("#incidents-title").waitFor();
    await page.locator(`a[href$="/incidents/${incident.id}"]`).first().click();
    await page.locator("h1", { hasText: "incident-a" }).waitFor();
    const chinese = await open({ locale: "zh-CN" });
    for (const path of ["/", "/incidents", `/incidents/${incident.id}`, "/tasks/incident-a"]) {
      await chinese.goto(path);
      await chinese.locator("main", { hasText: "退出码 1：disk /dev/sda7 is full" }).waitFor();
    }
    await page.locator(`form[action$="/acknowledge"] button`).click();
    await page.locator(".flash").waitFor();
    assert.equal((await api(server, "GET", `/incidents/${incident.id}`)).acknowledged_by, "admin");
    await page.locator(`form[action$="/close"] button`).click();
    await page.locator(".badge.bg-green-lt").first().waitFor();
    await page.goto(`/incidents?status=closed&task_id=incident-a`);
    await page.locator(`a[href$="/incidents/${incident.id}"]`).waitFor();
    await page.goto(`/tasks/incident-a`);
    await page.locator("#alarms-title").waitFor();
    assert.equal(await page.locator(".tag", { hasText: "watch-all" }).count(), 1, "the rule that holds");
    await page.locator("form[action$='/mute'] button").click();
    await page.locator("form[action$='/mute'] button[value='0']").waitFor();
    await page.locator("form[action$='/mute'] button[value='0']").click();
    await page.locator("#mute-hours").waitFor();
  },

  async "incidents: a rule is edited and deleted"({ server, open }) {
    await api(server, "POST", "/notify-channels", { ...channel, name: "board-2" });
    const quiet_hours = { from: "22:00", to: "07:00" };
    const rule = { name: "edited", tasks: { tags: ["a", "b"] }, events: ["missed"], channels: ["board-2"], quiet_hours, digest: { every: "week", at: "09:15" } };
    await api(server, "POST", "/notify-rules", rule);
    const page = await open();
    await page.goto(`/settings/rules/edit?name=edited`);
    await page.locator("#field-after_failures").fill("3");
    await page.locator("main form .btn-primary").click();
    await page.waitForURL("**/settings/rules");
    const saved = await api(server, "GET", "/notify-rules/edited");
    assert.deepEqual([saved.after_failures, saved.tasks.tags, saved.events, saved.version], [3, ["a", "b"], ["missed"], 2]);
    assert.deepEqual([saved.quiet_hours.from, saved.quiet_hours.to, saved.digest.weekday, saved.digest.at], ["22:00", "07:00", "mon", "09:15"]);
    await page.click("a[href='/settings/rules/delete?name=edited']");
    await page.click("#dialog .btn-danger");
    await page.locator("a.cell-title", { hasText: "edited" }).waitFor({ state: "detached" });
    const { items } = await api(server, "GET", "/audit?target=notify_rule:edited");
    assert.deepEqual(items.map((entry) => entry.action), ["notify_rule.delete", "notify_rule.update", "notify_rule.create"]);
  },
};
