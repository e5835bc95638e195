// The form of a notification channel: its type first, then the fields of that type.
import assert from "node:assert/strict";
import { api, type } from "../lib.mjs";

const shown = (page) => page.locator("#channel-type input").evaluateAll((all) => all.map((one) => one.name));
const swapped = (page, field) => page.locator(`#channel-type [name='${field}']`).waitFor();

export const channels = {
  async "channel form: the fields follow the type, and what was typed stays"({ server, open, allow }) {
    allow("422");
    const page = await open({ colorScheme: "dark", viewport: { width: 390, height: 844 } });
    await page.goto("/settings/channels");
    assert.deepEqual(await shown(page), []);
    await type(page, "#field-name", "by-page");
    await page.click("label[for=type-dingtalk]");
    await swapped(page, "/keyword");
    assert.deepEqual(await shown(page), ["/url", "/token", "/secret", "/keyword", "/mentions", "/proxy"]);
    await type(page, "#field-token", "hush-hush-hush-hush");
    await type(page, "#field-mentions", "all");
    // By the arrow keys of the keyboard, one type after another.
    await page.focus("#type-dingtalk");
    await page.keyboard.press("ArrowRight");
    await swapped(page, "/key");
    assert.equal(await page.inputValue("#field-mentions"), "all");
    await page.keyboard.press("ArrowLeft");
    await swapped(page, "/token");
    assert.equal(await page.evaluate(() => document.activeElement.id), "type-dingtalk");
    await type(page, "#field-token", "hush-hush-hush-hush");
    await page.click("label[for=type-feishu]");
    await page.locator("#field-token-hint", { hasText: "Feishu" }).waitFor();
    assert.equal(await page.inputValue("#field-token"), "hush-hush-hush-hush", "a field of both types keeps what was typed");
    assert.equal(await page.inputValue("#field-name"), "by-page");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no sideways scrolling");
    // A refused submission keeps the type, its fields and what was typed into them.
    await type(page, "#field-name", "No good");
    await page.click("main form .btn-primary");
    await page.locator("#fault-name:not(:empty)").waitFor();
    assert.deepEqual(await shown(page), ["/url", "/token", "/secret", "/keyword", "/mentions", "/proxy"]);
    assert.equal(await page.inputValue("#field-mentions"), "all");
    await type(page, "#field-name", "by-page");
    await type(page, "#field-token", "hush-hush-hush-hush");
    await page.click("main form .btn-primary");
    await page.waitForURL("**/settings/channels/edit?name=by-page");
    const channel = await api(server, "GET", "/notify-channels/by-page");
    assert.deepEqual([channel.type, channel.mentions, channel.credentials], ["feishu", ["all"], ["token"]]);
  },

  async "channel form: without JavaScript a button shows the fields"({ server, open }) {
    const page = await open({ javaScriptEnabled: false });
    await page.goto("/settings/channels");
    await page.fill("#field-name", "plain");
    await page.click("label[for=type-ntfy]");
    await page.click("[name=show]");
    assert.deepEqual(await shown(page), ["/topic", "/url", "/token", "/proxy"]);
    assert.equal(await page.inputValue("#field-name"), "plain");
    await page.fill("#field-topic", "alarms");
    await page.press("#field-topic", "Enter");
    await page.waitForURL("**/settings/channels/edit?name=plain");
    assert.equal((await api(server, "GET", "/notify-channels/plain")).topic, "alarms");
  },
};
