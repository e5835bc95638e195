// Page behavior beyond links and forms: local times, countdowns, dialogs, toasts, keyboard shortcuts, reloading.
(() => {
  "use strict";
  const texts = JSON.parse(document.querySelector("meta[name=belfry-texts]").content);
  const { live, base } = document.body.dataset;
  const all = (selector, root = document) => root.querySelectorAll(selector);
  const two = (number) => String(number).padStart(2, "0");

  // Where the navigation scrolls sideways, on a phone, the link of the current page is in view.
  for (const link of all("nav [aria-current=page]")) {
    const [row, place] = [link.parentElement, link.getBoundingClientRect()];
    row.scrollLeft += place.left - row.getBoundingClientRect().left - (row.clientWidth - place.width) / 2;
  }

  // Times
  function local(date, precision) {
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    if (precision === "clock") return time.slice(0, 5);
    if (precision === "brief") return brief(date, day, time);
    return precision === "ms" ? `${day} ${time}.${String(date.getMilliseconds()).padStart(3, "0")}` : `${day} ${time}`;
  }

  // Today the time, in this year day and minute.
  function brief(date, day, time) {
    const today = new Date();
    if (date.getFullYear() !== today.getFullYear()) return `${day} ${time.slice(0, 5)}`;
    return date.toDateString() === today.toDateString() ? time : `${day.slice(5)} ${time.slice(0, 5)}`;
  }

  function span(ms) {
    const seconds = Math.floor(ms / 1000);
    const pair = (big, unit, small, less) => (small ? `${big} ${texts[unit]} ${small} ${texts[less]}` : `${big} ${texts[unit]}`);
    if (seconds < 60) return `${seconds} ${texts.s}`;
    if (seconds < 3600) return pair(Math.floor(seconds / 60), "min", seconds % 60, "s");
    if (seconds < 86400) return pair(Math.floor(seconds / 3600), "h", Math.floor((seconds % 3600) / 60), "min");
    return pair(Math.floor(seconds / 86400), "d", Math.floor((seconds % 86400) / 3600), "h");
  }

  // A time of a rule stays in the zone of its task; the reader's is in the tooltip.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  function localise(root) {
    for (const time of all("time[data-when]", root)) {
      const date = new Date(time.dateTime);
      if (time.dataset.when !== "zoned") time.textContent = local(date, time.dataset.when);
      else if (!time.title.endsWith(zone)) time.title = `${time.title} · ${local(date)} ${zone}`;
    }
  }

  // The server's clock: the page was drawn at `data-now`, just before its first byte arrived.
  const arrived = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0);
  let ahead = Number(document.body.dataset.now) - arrived;
  document.addEventListener("belfry:time", ({ detail }) => { ahead = detail - Date.now(); });

  function updateClocks(root = document) {
    const now = Date.now() + ahead;
    const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };
    for (const element of all("[data-countdown]", root)) {
      const left = Date.parse(element.dataset.countdown || element.parentNode.querySelector("time").dateTime) - now;
      put(element, left >= 1000 ? texts.in.replace("{time}", span(left)) : texts.due);
    }
    for (const bar of all("[data-elapsed-bar]", root)) bar.value = now - Date.parse(bar.dataset.elapsedBar);
    for (const element of all("[data-elapsed]", root)) put(element, span(Math.max(0, now - Date.parse(element.dataset.elapsed))));
  }

  // Messages
  const MAX_ERRORS = 4;
  function toast(kind, text, link, linkText) {
    const box = document.createElement("div");
    box.className = `alert alert-${kind} toast-box`;
    box.append(text);
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link;
      anchor.className = "alert-link";
      anchor.textContent = linkText;
      box.append(" ", anchor);
    }
    document.getElementById("toasts").append(box);
    // Errors stay until they are dismissed.
    if (kind !== "danger" && kind !== "warning") {
      setTimeout(() => box.remove(), link ? 9000 : 6000);
      return;
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "toast-close";
    close.textContent = "×";
    close.setAttribute("aria-label", texts.dismiss);
    close.addEventListener("click", () => box.remove());
    box.append(close);
    for (const older of Array.from(all(".toast-box:has(.toast-close)")).slice(0, -MAX_ERRORS)) older.remove();
  }

  document.addEventListener("belfry:toast", ({ detail }) => toast(detail.kind, detail.text));

  // Dialogs
  const dialog = document.getElementById("dialog");
  const reload = () => { rememberFocus(); return htmx.ajax("GET", location.href, { target: "#live", swap: "outerHTML", select: "#live" }); };

  // Automatic updates keep the focus and the expanded sections.
  let kept = null;
  function rememberFocus() {
    const active = document.activeElement;
    const row = active?.closest("#live");
    const by = ["id", "href", "data-key", "aria-label", "name"].find((name) => active?.getAttribute(name));
    const focus = row && by ? [row.id, active === row ? "" : `${active.localName}[${by}="${CSS.escape(active.getAttribute(by))}"]`] : null;
    kept = { focus, open: Array.from(all("#live details[open] > summary"), (summary) => summary.textContent.trim()) };
  }
  function restoreFocus() {
    if (!kept) return;
    for (const summary of all("#live details:not([open]) > summary")) if (kept.open.includes(summary.textContent.trim())) summary.parentElement.open = true;
    if (kept.focus && document.activeElement === document.body) {
      const [id, selector] = kept.focus;
      const around = document.getElementById(id);
      (selector ? around?.querySelector(selector) : around)?.focus({ preventScroll: true });
    }
    kept = null;
  }

  // The menu of saved views stays open when the list is reloaded.
  let viewMenu = null;
  document.addEventListener("htmx:before:swap", () => {
    const menu = document.querySelector(".views[open]");
    viewMenu = menu && { name: menu.querySelector("#view-name")?.value, typing: menu.contains(document.activeElement) };
  });
  function reopenViews() {
    const menu = document.querySelector(".views:not([open])");
    if (!viewMenu || !menu) return;
    menu.open = true;
    const field = menu.querySelector("#view-name");
    if (field && viewMenu.name) field.value = viewMenu.name;
    if (field && viewMenu.typing) field.focus({ preventScroll: true });
    viewMenu = null;
  }

  document.addEventListener("htmx:after:swap", (event) => {
    const target = event.detail.ctx?.target;
    if (target?.id === "dialog-body" && !dialog.open && !target.querySelector("[data-progress]")) dialog.showModal();
    localise(document);
    updateClocks();
    restoreFocus();
    reopenViews();
  });
  // A bulk action continues request by request until its dialog is closed.
  document.addEventListener("htmx:before:request", (event) => {
    if (event.target.closest?.("[data-progress]") && !dialog.open) event.preventDefault();
  });

  // A visit to a filter field adds one entry to the history, not one a letter.
  let freshField = true;
  document.addEventListener("focusin", (event) => { if (event.target.closest(".filters")) freshField = true; });
  document.addEventListener("htmx:before:request", (event) => {
    const { ctx } = event.detail;
    if (!ctx.sourceElement?.matches?.(".filters")) return;
    if (!freshField) [ctx.push, ctx.replace] = [null, "true"];
    freshField = false;
  });
  dialog.addEventListener("close", () => {
    if (!dialog.querySelector("[data-progress]")) return;
    document.getElementById("dialog-body").replaceChildren();
    htmx.ajax("GET", location.href, { target: "#list", swap: "outerHTML", select: "#list" });
  });
  document.addEventListener("htmx:error", () => toast("danger", texts.failed));

  document.addEventListener("belfry:done", (event) => {
    const { kind, text, link, link_text: linkText, task, list, redraw } = event.detail;
    dialog.close();
    toast(kind, text, link, linkText);
    if (list) belfry.rows.clearSelection();
    if (redraw) for (const menu of all(".views[open]")) menu.open = false;
    if (list || redraw) htmx.ajax("GET", location.href, { target: "#list", swap: "outerHTML", select: "#list" });
    if (!task) return;
    if (document.getElementById("live")) reload();
    else belfry.rows.update("task", [task], 0);
  });

  document.addEventListener("click", (event) => {
    const element = event.target.closest("[data-open],[data-close],[data-copy]");
    if (!element) {
      if (event.target.tagName === "DIALOG") event.target.close();
      for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
      return;
    }
    if (element.dataset.open) document.getElementById(element.dataset.open).showModal();
    if (element.dataset.copy) {
      copy(document.querySelector(element.dataset.copy));
    }
    const around = element.closest("dialog");
    if ("close" in element.dataset && around) { event.preventDefault(); around.close(); }
  });

  // A menu near the edge opens to the other side.
  document.addEventListener("toggle", ({ target }) => {
    const body = target.open && target.matches("details.menu") && target.querySelector(".menu-body");
    if (!body) return;
    body.classList.remove("opens-left", "opens-right");
    const { left, right } = body.getBoundingClientRect();
    if (right > document.documentElement.clientWidth) body.classList.add("opens-left");
    else if (left < 0) body.classList.add("opens-right");
  }, true);

  // Browsers have no clipboard object over plain HTTP from another host.
  function copy(source) {
    if (!navigator.clipboard) { copyBySelection(source); return; }
    navigator.clipboard.writeText(source.textContent).then(() => toast("success", texts.copied), () => copyBySelection(source));
  }
  function copyBySelection(source) {
    getSelection().selectAllChildren(source);
    const copied = document.execCommand("copy");
    toast(copied ? "success" : "info", copied ? texts.copied : texts.copy_by_hand);
  }

  // Adds a blank row to the chain or the inputs: a copy of the last one.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-chain-add], [data-input-add]");
    if (!button) return;
    const [kind, list] = button.matches("[data-chain-add]") ? ["chain", "chain"] : ["input", "inputs"];
    const rows = all(`.${kind}-row`, button.closest("details"));
    const last = rows[rows.length - 1];
    const [from, to] = [rows.length - 1, rows.length];
    const row = last.cloneNode(true);
    row.setAttribute("aria-label", row.getAttribute("aria-label").replace(String(from + 1), String(to + 1)));
    for (const element of all("*", row)) {
      for (const { name, value } of Array.from(element.attributes)) {
        if (["id", "for", "name", "aria-describedby"].includes(name)) element.setAttribute(name, value.replaceAll(`${list}-${from}-`, `${list}-${to}-`).replace(`/${list}/${from}/`, `/${list}/${to}/`));
      }
      if (element.matches("input, textarea")) element.value = "";
      if (element.matches(".field-fault")) element.replaceChildren();
    }
    last.after(row);
    htmx.process(row);
    row.querySelector("input").focus();
  });

  // Adds a blank row to a key-value field.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pair-add]");
    if (!button) return;
    const last = button.previousElementSibling;
    const row = last.cloneNode(true);
    for (const field of all("input", row)) field.value = "";
    last.after(row);
    row.querySelector("input").focus();
  });

  // Filters are sent on input; the change event of the same field would send them twice.
  document.addEventListener("change", (event) => {
    if (event.target.matches(".filters input:not([type=checkbox], [type=datetime-local])")) event.stopImmediatePropagation();
  }, true);

  const about = () => document.getElementById("live")?.dataset.about;
  document.addEventListener("belfry:changes", ({ detail }) => {
    const concerned = { overview: true, task: detail.tasks.includes(about()), execution: detail.executions.includes(about()) };
    if (document.getElementById("live") && (detail.all || concerned[live])) scheduleReload();
  });

  // Reloads the live part of the page, at most once every two seconds.
  let pending = null;
  let last = 0;
  function scheduleReload() {
    if (pending || gone) return;
    pending = setTimeout(() => { pending = null; last = Date.now(); if (!dialog.open) reload(); }, Math.max(100, last + 2000 - Date.now()));
  }

  // What the page shows was deleted: it says so and offers no actions.
  let gone = false;
  document.addEventListener("htmx:before:response", (event) => {
    const { target, response } = event.detail.ctx;
    if (target?.id !== "live" || response.status !== 404) return;
    event.preventDefault();
    delete event.detail.ctx.hx.trigger; // the message of the error page
    if (gone) return;
    gone = true;
    const notice = document.createElement("div");
    notice.className = "alert alert-warning";
    notice.setAttribute("role", "alert");
    notice.textContent = live === "task" ? texts.task_gone : texts.run_gone;
    target.prepend(notice);
    target.querySelector(".page-head .btn-list")?.remove();
  });

  // Keyboard shortcuts
  // The parameter editor is in a shadow root: the event's target is its host, its path leads to the editable element.
  const isEditable = (node) => node instanceof Element && (node.isContentEditable || node.matches("input, textarea, select, dialog"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") for (const menu of all("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
    if (event.composedPath().some(isEditable)) return;
    if (belfry.rows.key(event.key)) { event.preventDefault(); return; }
    switch (event.key) {
      case "/": document.getElementById("search")?.focus(); break;
      case "n": location.href = `${base}/tasks/new`; break;
      case "?": document.getElementById("help").showModal(); break;
      case "r": case "p": case "e":
        if (!document.querySelector("tr[data-task]")) document.querySelector(`[data-key=${event.key}]`)?.click();
        break;
      default: return;
    }
    event.preventDefault();
  });

  for (const field of all("[data-zone]")) field.value ||= zone;
  localise(document);
  updateClocks();
  setInterval(() => { if (!document.hidden) updateClocks(); }, 1000);
  window.belfry = { texts, localise, updateClocks };
})();
