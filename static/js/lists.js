// Lists: the sheet of filters on phones, and the height under which the header of a table stays.
(() => {
  "use strict";
  const root = document.documentElement;
  const top = document.querySelector(".top");
  // The style sheet has the usual height; on narrow windows the navigation takes a second line.
  if (top) new ResizeObserver(() => root.style.setProperty("--top", `${top.offsetHeight}px`)).observe(top);

  const opened = () => document.querySelector(".filters.is-open");
  function setOpen(form, open) {
    form.classList.toggle("is-open", open);
    const button = form.querySelector(".filter-open");
    button.setAttribute("aria-expanded", String(open));
    if (open) form.querySelector(".filter-more input:not([type=hidden]), .filter-more select")?.focus();
    else button.focus({ preventScroll: true });
  }
  document.addEventListener("click", ({ target }) => {
    const form = target.closest(".filters");
    if (form && target.closest(".filter-open")) setOpen(form, !form.classList.contains("is-open"));
    else if (form && target.closest(".filter-close")) setOpen(form, false);
    else if (!form && opened()) setOpen(opened(), false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && opened()) setOpen(opened(), false);
  });
})();
// The histogram of the executions: a span that is drawn over it becomes the filter.
(() => {
  "use strict";
  const { base } = document.body.dataset;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const two = (number) => String(number).padStart(2, "0");
  const local = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  let drawn = null;

  /** The slot at a place on the screen. */
  function slotAt(chart, x) {
    const { left, width } = chart.querySelector("svg").getBoundingClientRect();
    const { slots, width: units } = chart.dataset;
    const slot = Math.floor(((x - left) / width) * (Number(units) / 10));
    return Math.max(0, Math.min(Number(slots) - 1, slot));
  }
  function show({ chart, mark, first }, x) {
    const { left, width } = chart.querySelector("svg").getBoundingClientRect();
    const [from, to] = [first, slotAt(chart, x)].sort((one, other) => one - other);
    const slot = width / (Number(chart.dataset.width) / 10);
    mark.style.left = `${left - chart.getBoundingClientRect().left + from * slot}px`;
    mark.style.width = `${(to - from + 1) * slot}px`;
    return [from, to + 1];
  }
  document.addEventListener("pointerdown", (event) => {
    const chart = event.target.closest?.(".histogram");
    if (!chart || event.button !== 0 || !event.target.closest("svg")) return;
    drawn = { chart, first: slotAt(chart, event.clientX), x: event.clientX, mark: null };
  });
  document.addEventListener("pointermove", (event) => {
    if (!drawn || (!drawn.mark && Math.abs(event.clientX - drawn.x) < 6)) return;
    if (!drawn.mark) {
      drawn.mark = document.createElement("div");
      drawn.mark.className = "brush";
      drawn.chart.append(drawn.mark);
    }
    show(drawn, event.clientX);
  });
  document.addEventListener("pointerup", (event) => {
    const { chart, mark } = drawn ?? {};
    if (!mark) { drawn = null; return; }
    const [from, to] = show(drawn, event.clientX).map((slot) => new Date(Number(chart.dataset.from) + slot * Number(chart.dataset.step)));
    const query = new URLSearchParams(location.search);
    for (const name of ["range", "cursor"]) query.delete(name);
    for (const [name, value] of [["from", local(from)], ["to", local(to)], ["zone", zone]]) query.set(name, value);
    // The click on a bar that follows would lead to that bar alone.
    addEventListener("click", (click) => { click.preventDefault(); click.stopPropagation(); }, { capture: true, once: true });
    drawn = null;
    location.href = `${base}/executions?${query}`;
  });
  document.addEventListener("pointercancel", () => { drawn?.mark?.remove(); drawn = null; });
  // Links would be dragged instead.
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.(".histogram")) event.preventDefault(); });

  // The switch that follows new executions is kept for the tab.
  const follow = document.getElementById("follow-list");
  if (!follow) return;
  follow.checked = sessionStorage.getItem("belfry-follow") === "true";
  follow.addEventListener("change", () => {
    sessionStorage.setItem("belfry-follow", String(follow.checked));
    const offer = document.getElementById("offer");
    if (follow.checked && offer && !offer.hidden) offer.click();
  });
})();
