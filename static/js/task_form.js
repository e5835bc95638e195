// The result of a test run is scrolled to: it may be below what the column beside the form shows.
document.addEventListener("htmx:after:swap", ({ detail }) => {
  if (detail.ctx?.target?.id === "test-output") detail.ctx.target.scrollIntoView({ block: "nearest" });
});

// The schedule builder: shows a simple cron expression as a sentence to fill in, and writes one.
(() => {
  "use strict";
  const builder = document.getElementById("builder");
  if (!builder) return;
  const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
  const SINGLE = ["year", "month", "day", "week", "day_of_week", "hour", "minute", "second"];
  const element = (id) => document.getElementById(id);
  const field = element("field-trigger-expression");
  const presets = Array.from(builder.querySelectorAll("[data-preset]"));
  const weekdays = Array.from(builder.querySelectorAll("[data-weekday]"));
  const two = (number) => String(number).padStart(2, "0");
  let writing = false;

  /** The rule of an expression that the builder can show; null of any other. */
  function parse(text) {
    const words = text.trim().toLowerCase().split(/\s+/);
    if (words.length === 1) {
      const clock = words[0].match(/^(\d{1,2}):(\d{2})$/);
      if (clock && clock[1] < 24 && clock[2] < 60) return { preset: "daily", hour: Number(clock[1]), minute: Number(clock[2]) };
      return words[0] === "@daily" ? { preset: "daily", hour: 0, minute: 0 } : null;
    }
    if (words.length !== 5) return null;
    const [minute, hour, day, month, weekday] = words;
    const every = minute.match(/^\*(?:\/(\d{1,2}))?$/);
    if (every && [hour, day, month, weekday].every((word) => word === "*")) {
      const minutes = Number(every[1] ?? 1);
      return minutes >= 1 && minutes <= 59 ? { preset: "minutes", minutes } : null;
    }
    if (month !== "*" || !/^\d{1,2}$/.test(minute) || !/^\d{1,2}$/.test(hour) || minute > 59 || hour > 23) return null;
    const at = { hour: Number(hour), minute: Number(minute) };
    if (weekday === "*" && day === "*") return { preset: "daily", ...at };
    if (weekday === "*") return /^\d{1,2}$/.test(day) && day >= 1 && day <= 31 ? { preset: "monthly", day: Number(day), ...at } : null;
    if (day !== "*") return null;
    if (weekday === "mon-fri") return { preset: "workdays", ...at };
    const days = weekday.split(",");
    return days.every((one) => DAYS.includes(one)) ? { preset: "weekly", days, ...at } : null;
  }

  const calendar = () => element("field-calendar");
  const isWorkingDaysOnly = () => calendar().value === "cn" && element("field-calendar_rule").value === "only";

  /** Shows the rule of the form. */
  function show() {
    const single = SINGLE.some((name) => element(`field-trigger-${name}`).value.trim());
    let rule = single ? null : parse(field.value);
    if (rule?.preset === "daily" && isWorkingDaysOnly()) rule = { ...rule, preset: "workdays", calendar: "cn" };
    select(rule?.preset ?? "");
    if (!rule) return;
    if (rule.preset === "minutes") element("builder-minutes").value = rule.minutes;
    else element("builder-time").value = `${two(rule.hour)}:${two(rule.minute)}`;
    if (rule.preset === "monthly") element("builder-day").value = rule.day;
    if (rule.preset === "workdays") element("builder-workdays").value = rule.calendar ?? "";
    if (rule.preset === "weekly") for (const button of weekdays) button.setAttribute("aria-pressed", String(rule.days.includes(button.dataset.weekday)));
  }

  const chosen = () => presets.find((button) => button.getAttribute("aria-pressed") === "true")?.dataset.preset ?? "";
  function select(preset) {
    for (const button of presets) button.setAttribute("aria-pressed", String(button.dataset.preset === preset));
    element("builder-line").hidden = !preset;
    for (const part of builder.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(preset);
  }

  /** Writes the rule that the builder shows. A number that is being typed writes nothing until it is one. */
  function write() {
    const preset = chosen();
    const number = (id) => { const box = element(id); return box.value && box.validity.valid ? Number(box.value) : null; };
    const [hour, minute] = (element("builder-time").value || "00:00").split(":").map(Number);
    const days = weekdays.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.dataset.weekday);
    const withCalendar = preset === "workdays" && element("builder-workdays").value === "cn";
    const [minutes, day] = [number("builder-minutes"), number("builder-day")];
    const expression = {
      minutes: minutes && (minutes === 1 ? "* * * * *" : `*/${minutes} * * * *`),
      daily: `${minute} ${hour} * * *`,
      workdays: `${minute} ${hour} * * ${withCalendar ? "*" : "mon-fri"}`,
      weekly: `${minute} ${hour} * * ${days.length ? days.join(",") : "mon"}`,
      monthly: day && `${minute} ${hour} ${day} * *`,
    }[preset];
    if (!expression) return;
    writing = true;
    if (withCalendar !== isWorkingDaysOnly()) {
      calendar().value = withCalendar ? "cn" : "";
      if (withCalendar) element("field-calendar_rule").value = "only";
      calendar().dispatchEvent(new Event("change", { bubbles: true }));
    }
    for (const name of SINGLE) element(`field-trigger-${name}`).value = "";
    field.value = expression;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    writing = false;
  }

  builder.addEventListener("click", ({ target }) => {
    const preset = target.closest("[data-preset]");
    const day = target.closest("[data-weekday]");
    if (preset) {
      select(preset.dataset.preset);
      const asked = document.documentElement.lang.startsWith("zh") && element("builder-workdays").querySelector("[value=cn]") ? "cn" : "";
      if (preset.dataset.preset === "workdays") element("builder-workdays").value = asked;
      if (preset.dataset.preset === "weekly" && !weekdays.some((one) => one.getAttribute("aria-pressed") === "true")) weekdays[0].setAttribute("aria-pressed", "true");
    }
    if (day) day.setAttribute("aria-pressed", String(day.getAttribute("aria-pressed") !== "true"));
    if (preset || day) write();
  });
  // Fields of the builder have no names: what they say is in the expression.
  builder.addEventListener("input", (event) => { event.stopPropagation(); write(); });
  builder.addEventListener("change", (event) => event.stopPropagation());
  document.getElementById("field-trigger").addEventListener("input", () => { if (!writing) show(); });
  document.getElementById("field-trigger").addEventListener("change", () => { if (!writing) show(); });
  show();
})();
