// Marks of waiting: what takes longer than a moment shows a bar at the top of the page, and its button turns.
(() => {
  "use strict";
  const DELAY = 60;
  /** A navigation that leads to no page, such as a download, ends the marks after this time. */
  const LONGEST = 20_000;
  const bar = document.createElement("div");
  bar.className = "busy-bar";
  bar.hidden = true;
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", belfry.texts.loading);
  const waits = new Set();

  function begin(element) {
    const wait = { element: element?.closest?.(".btn, .sort, .status-tab") ?? null };
    wait.timer = setTimeout(() => {
      // A landmark, for readers who go from one to the next.
      (document.querySelector("main") ?? document.body).append(bar);
      bar.hidden = false;
      wait.element?.classList.add("is-busy");
      wait.timer = setTimeout(() => end(wait), LONGEST);
    }, DELAY);
    waits.add(wait);
    return wait;
  }
  function end(wait) {
    if (!wait) return;
    clearTimeout(wait.timer);
    wait.element?.classList.remove("is-busy");
    waits.delete(wait);
    if (!waits.size) bar.hidden = true;
  }
  const endAll = () => { for (const wait of Array.from(waits)) end(wait); };

  // Requests of htmx: those of a reader, not the updates of the page itself.
  const requests = new WeakMap();
  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    const source = ctx?.sourceElement;
    if (!source || source === document.body) return;
    const wait = begin(source.matches?.("form") ? source.querySelector(".btn:focus") : source);
    requests.set(ctx, wait);
    setTimeout(() => { if (event.defaultPrevented) end(wait); });
  });
  const finished = ({ detail }) => end(requests.get(detail?.ctx));
  for (const name of ["htmx:finally:request", "htmx:after:request", "htmx:error"]) document.addEventListener(name, finished);

  // Links and forms that load another page.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link.hasAttribute("download") || link.target || link.origin !== location.origin || link.hasAttribute("hx-get")) return;
    if (link.pathname === location.pathname && link.search === location.search && link.hash) return;
    begin(link);
  });
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented) begin(event.submitter ?? event.target.querySelector("button"));
  });
  belfry.loading = { begin, end };
  addEventListener("pageshow", endAll);
  addEventListener("pagehide", endAll);
})();
