// Page behavior beyond links and forms: local times, countdowns, dialogs, toasts, keyboard shortcuts, live updates.
(() => {
  "use strict";
  const texts = JSON.parse(document.querySelector("meta[name=belfry-texts]").content);
  const all = (selector, root = document) => root.querySelectorAll(selector);
  const two = (number) => String(number).padStart(2, "0");

  // Times
  function local(date, precision) {
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    if (precision === "clock") return time.slice(0, 5);
    return precision === "ms" ? `${day} ${time}.${String(date.getMilliseconds()).padStart(3, "0")}` : `${day} ${time}`;
  }

  function span(ms) {
    const seconds = Math.floor(ms / 1000);
    const pair = (big, unit, small, less) => (small ? `${big} ${texts[unit]} ${small} ${texts[less]}` : `${big} ${texts[unit]}`);
    if (seconds < 60) return `${seconds} ${texts.s}`;
    if (seconds < 3600) return pair(Math.floor(seconds / 60), "min", seconds % 60, "s");
    if (seconds < 86400) return pair(Math.floor(seconds / 3600), "h", Math.floor((seconds % 3600) / 60), "min");
    return pair(Math.floor(seconds / 86400), "d", Math.floor((seconds % 86400) / 3600), "h");
  }

  function localise(root) {
    for (const time of all("time[data-when]", root)) time.textContent = local(new Date(time.dateTime), time.dataset.when);
  }

  function updateClocks() {
    const now = Date.now();
    const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };
    for (const element of all("[data-countdown]")) {
      const left = Date.parse(element.dataset.countdown) - now;
      put(element, left >= 1000 ? texts.in.replace("{time}", span(left)) : texts.due);
    }
    for (const bar of all("[data-elapsed-bar]")) bar.value = now - Date.parse(bar.dataset.elapsedBar);
    for (const element of all("[data-elapsed]")) put(element, span(Math.max(0, now - Date.parse(element.dataset.elapsed))));
  }

  // Messages
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
    setTimeout(() => box.remove(), link ? 9000 : 6000);
  }

  // Dialogs
  const dialog = document.getElementById("dialog");
  const reload = () => { rememberFocus(); return htmx.ajax("GET", location.href, { target: "#live", swap: "outerHTML", select: "#live" }); };

  // Automatic updates keep the focus and the expanded sections.
  let kept = null;
  function rememberFocus() {
    const active = document.activeElement;
    const row = active?.closest("tr[id], #live");
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
    updateOffer();
    followOutput();
    restoreSelection();
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
    if (list) {
      selectedIds.clear();
      selectedFilter = null;
      for (const box of all("#select-page, #select-all, [form=bulk]")) box.checked = false;
      updateSelection();
    }
    if (redraw) for (const menu of all(".views[open]")) menu.open = false;
    if (list || redraw) htmx.ajax("GET", location.href, { target: "#list", swap: "outerHTML", select: "#list" });
    if (!task) return;
    if (document.getElementById("live")) reload();
    else fetchRows("task", [task]);
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

  // The rule builder writes the expression and triggers its preview.
  document.addEventListener("click", (event) => {
    const day = event.target.closest("[data-weekday]");
    if (day) day.setAttribute("aria-pressed", String(day.getAttribute("aria-pressed") !== "true"));
    const rule = event.target.closest("[data-rule]")?.dataset.rule;
    if (!rule) return;
    const field = document.getElementById("field-trigger-expression");
    if (rule === "every") field.value = `*/${document.getElementById("help-every").value} * * * *`;
    if (rule === "weekly") {
      const days = Array.from(all("[data-weekday][aria-pressed=true]"), (one) => one.dataset.weekday);
      const [hour, minute] = (document.getElementById("help-time").value || "00:00").split(":").map(Number);
      field.value = `${minute} ${hour} * * ${days.length && days.length < 7 ? days.join(",") : "*"}`;
    }
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // Adds a blank row to the chain: a copy of the last one.
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-chain-add]")) return;
    const rows = all(".chain-row");
    const last = rows[rows.length - 1];
    const [from, to] = [rows.length - 1, rows.length];
    const row = last.cloneNode(true);
    row.setAttribute("aria-label", row.getAttribute("aria-label").replace(String(from + 1), String(to + 1)));
    for (const element of all("*", row)) {
      for (const { name, value } of Array.from(element.attributes)) {
        if (["id", "for", "name", "aria-describedby"].includes(name)) element.setAttribute(name, value.replace(`chain-${from}-`, `chain-${to}-`).replace(`/chain/${from}/`, `/chain/${to}/`));
      }
      if (element.matches("input, textarea")) element.value = "";
      if (element.matches(".field-fault")) element.replaceChildren();
    }
    last.after(row);
    htmx.process(row);
    row.querySelector("input").focus();
  });

  // The selection is kept when rows are updated, and dropped when the page of the list changes.
  const selectedIds = new Set();
  // The filter for which all matching tasks are selected; the selection ends with another filter.
  let selectedFilter = null;
  const currentFilter = () => Array.from(all("#bulk input[type=hidden]"), (field) => `${field.name}=${field.value}`).join("&");
  function updateSelection() {
    const counter = document.getElementById("selected-count");
    if (!counter) return;
    counter.textContent = counter.dataset.text.replace("{n}", String(selectedIds.size));
    document.getElementById("bulk").classList.toggle("is-used", selectedIds.size > 0 || document.getElementById("select-all").checked);
  }
  function restoreSelection() {
    const boxes = Array.from(all("[form=bulk]"));
    for (const box of boxes) box.checked = selectedIds.has(box.value);
    const selectAll = document.getElementById("select-all");
    if (selectAll) selectAll.checked = selectedFilter === currentFilter();
    selectedFilter = selectAll?.checked ? selectedFilter : null;
    const shown = new Set(boxes.map((box) => box.value));
    for (const id of selectedIds) if (!shown.has(id)) selectedIds.delete(id);
    updateSelection();
  }
  document.addEventListener("change", (event) => {
    if (event.target.id === "select-page") for (const box of all("[form=bulk]")) box.checked = event.target.checked;
    if (!event.target.matches("#select-page, #select-all, [form=bulk]")) return;
    if (event.target.id === "select-all") selectedFilter = event.target.checked ? currentFilter() : null;
    for (const box of all("[form=bulk]")) if (box.checked) selectedIds.add(box.value); else selectedIds.delete(box.value);
    updateSelection();
  });

  // Row updates: collected, then fetched together, at most once a second.
  const pendingRows = { task: new Set(), execution: new Set() };
  let timer = null;
  function fetchRows(kind, ids) {
    const shown = new Set(Array.from(all(`tr[data-${kind}]`), (row) => row.dataset[kind]));
    for (const id of ids) if (shown.has(id)) pendingRows[kind].add(id);
    if (!timer && (pendingRows.task.size || pendingRows.execution.size)) timer = setTimeout(fetchPending, 150);
  }
  function fetchPending() {
    for (const [kind, path] of [["task", "/tasks/-/rows"], ["execution", "/executions/-/rows"]]) {
      const ids = Array.from(pendingRows[kind]);
      pendingRows[kind].clear();
      if (ids.length) rememberFocus();
      if (ids.length) htmx.ajax("GET", `${path}?${ids.map((id) => `id=${encodeURIComponent(id)}`).join("&")}`, { target: "#toasts", swap: "none" });
    }
    timer = setTimeout(() => { timer = null; fetchRows("task", []); }, 1000);
  }

  // Event stream
  const live = document.body.dataset.live;
  const liveStatus = document.getElementById("live-status");
  const about = () => document.getElementById("live")?.dataset.about;
  let lost = false;
  let helloReceived = false;
  let newCount = 0;

  function listen() {
    const query = new URLSearchParams({ at: document.body.dataset.position });
    const newest = document.querySelector("[data-newest]")?.dataset.newest;
    if (newest) query.set("since", newest);
    if (live === "execution") query.set("execution", about());
    const source = new EventSource(`/live?${query}`);
    source.addEventListener("hello", () => {
      if (helloReceived) catchUp();
      helloReceived = true;
      liveStatus.dataset.state = "live";
      if (lost) { lost = false; liveStatus.hidden = true; toast("success", texts.reconnected); }
    });
    source.addEventListener("changes", (event) => changed(JSON.parse(event.data)));
    source.onerror = () => {
      liveStatus.dataset.state = "lost";
      if (!lost) { lost = true; liveStatus.textContent = texts.lost; liveStatus.hidden = false; }
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    };
    addEventListener("pagehide", () => source.close(), { once: true });
  }

  function catchUp() {
    if (document.getElementById("live")) { scheduleReload(); fetchOutput(); return; }
    if (live === "tasks") fetchRows("task", Array.from(all("tr[data-task]"), (row) => row.dataset.task));
    if (live === "executions") fetchRows("execution", Array.from(all("tr[data-execution]"), (row) => row.dataset.execution));
  }

  // A hidden page sends no requests; it catches up when it becomes visible.
  let missed = false;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    updateClocks();
    if (missed) { missed = false; catchUp(); }
  });

  // A list may be drawn before a change and shown after its event: its rows are fetched again.
  let meanwhile = null;
  document.addEventListener("htmx:before:request", (event) => {
    if (event.detail.ctx.target?.id === "list") meanwhile = { task: [], execution: [] };
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx?.target?.id !== "list" || !meanwhile) return;
    for (const [kind, ids] of Object.entries(meanwhile)) fetchRows(kind, ids);
    meanwhile = null;
  });

  function changed(changes) {
    meanwhile?.task.push(...changes.tasks);
    meanwhile?.execution.push(...changes.executions);
    if (document.hidden) { missed = true; newCount += changes.new; updateOffer(); return; }
    if (changes.all) { catchUp(); }
    if (live === "tasks") fetchRows("task", changes.tasks);
    if (live === "executions") { fetchRows("execution", changes.executions); offer(changes.new); }
    if (live === "overview") scheduleReload();
    if (live === "task" && changes.tasks.includes(about())) scheduleReload();
    if (live === "execution") {
      if (changes.executions.includes(about())) { scheduleReload(); fetchOutput(); }
      if (changes.output) fetchOutput();
    }
  }

  // Filters are sent on input; the change event of the same field would send them twice.
  document.addEventListener("change", (event) => {
    if (event.target.matches(".filters input:not([type=checkbox], [type=datetime-local])")) event.stopImmediatePropagation();
  }, true);

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

  function offer(count) {
    newCount += count;
    updateOffer();
  }
  function updateOffer() {
    const link = document.getElementById("offer");
    if (!link || !newCount || document.getElementById("list").dataset.first !== "true") return;
    link.textContent = texts.new_rows.replace("{n}", document.getElementById("list").dataset.filtered === "true" ? "" : String(newCount)).replace(/\s{2,}/g, " ").trim();
    link.hidden = false;
  }

  // Output
  const output = document.getElementById("output");
  const follow = document.getElementById("follow");
  let fetching = false;
  let again = false;
  async function fetchOutput() {
    if (!output) return;
    if (fetching) { again = true; return; }
    fetching = true;
    const lastChunk = Array.from(all("[data-last]", output)).pop()?.dataset;
    const query = new URLSearchParams({ after: lastChunk?.last ?? "", style: lastChunk?.style ?? "" });
    try {
      const answer = await fetch(`${output.dataset.source}?${query}`, { headers: { "HX-Request": "true" } });
      if (answer.ok) {
        const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
        output.append(...parsed.body.childNodes);
        trimOutput();
        followOutput();
      }
    } finally {
      fetching = false;
      if (again) { again = false; setTimeout(fetchOutput, 500); }
    }
  }
  // The page keeps only the newest part of the output; the download has all of it.
  const MAX_CHUNKS = 4000;
  const MAX_CHARACTERS = 2_000_000;
  function trimOutput() {
    let length = output.textContent.length;
    while (output.childNodes.length > MAX_CHUNKS || (length > MAX_CHARACTERS && output.childNodes.length > 1)) {
      length -= output.firstChild.textContent.length;
      output.firstChild.remove();
    }
  }

  // Searches the output and highlights the matches, without changing the DOM.
  const find = document.getElementById("find");
  let hits = [];
  let hit = -1;
  function search() {
    hits = [];
    const wanted = find.value.toLowerCase();
    const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
    while (wanted && hits.length < 1000 && walker.nextNode()) {
      const text = walker.currentNode.data.toLowerCase();
      for (let at = text.indexOf(wanted); at >= 0 && hits.length < 1000; at = text.indexOf(wanted, at + wanted.length)) {
        const range = new Range();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, Math.min(at + wanted.length, walker.currentNode.length));
        hits.push(range);
      }
    }
    if (CSS.highlights) CSS.highlights.set("found", new Highlight(...hits));
    hit = -1;
    if (hits.length) showHit(1);
    else document.getElementById("found").textContent = wanted ? "0" : "";
  }
  function showHit(step) {
    hit = (hit + step + hits.length) % hits.length;
    document.getElementById("found").textContent = `${hit + 1}/${hits.length}`;
    follow.checked = false;
    const place = hits[hit].getBoundingClientRect();
    output.scrollTop += place.top - output.getBoundingClientRect().top - output.clientHeight / 2;
    if (CSS.highlights) CSS.highlights.set("found-now", new Highlight(hits[hit]));
  }
  if (find) {
    find.addEventListener("input", search);
    find.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && hits.length) { event.preventDefault(); showHit(event.shiftKey ? -1 : 1); }
    });
  }

  function followOutput() {
    if (output && follow.checked) output.scrollTop = output.scrollHeight;
  }
  // The output is followed only while the reader is at its end.
  output?.addEventListener("scroll", () => { follow.checked = output.scrollHeight - output.scrollTop - output.clientHeight < 8; });
  follow?.addEventListener("change", followOutput);
  document.getElementById("wrap")?.addEventListener("change", (event) => {
    output.classList.toggle("no-wrap", !event.target.checked);
    followOutput();
  });

  // Keyboard shortcuts
  function move(step) {
    const rows = Array.from(all("tr[data-href]"));
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    rows[Math.min(rows.length - 1, Math.max(0, at + step))].focus();
  }
  // The parameter editor is in a shadow root: the event's target is its host, its path leads to the editable element.
  const isEditable = (node) => node instanceof Element && (node.isContentEditable || node.matches("input, textarea, select, dialog"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") for (const menu of all("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
    if (event.composedPath().some(isEditable)) return;
    const row = document.activeElement?.closest("tr[data-href]");
    const act = (key) => (row ?? document).querySelector(`[data-key=${key}]`)?.click();
    switch (event.key) {
      case "/": document.getElementById("search")?.focus(); break;
      case "n": location.href = "/tasks/new"; break;
      case "?": document.getElementById("help").showModal(); break;
      case "j": move(1); break;
      case "k": move(-1); break;
      case "Enter": if (row && document.activeElement === row) location.href = row.dataset.href; return;
      case "r": case "p": case "e":
        if (!row && document.querySelector("tr[data-task]")) return;
        act(event.key);
        break;
      default: return;
    }
    event.preventDefault();
  });

  for (const field of all("[data-zone]")) field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;
  localise(document);
  updateClocks();
  setInterval(() => { if (!document.hidden) updateClocks(); }, 1000);
  followOutput();
  // The browser may restore checkboxes when it returns to the page.
  for (const box of all("[form=bulk]:checked")) selectedIds.add(box.value);
  if (document.getElementById("select-all")?.checked) selectedFilter = currentFilter();
  updateSelection();
  if (live && liveStatus) {
    listen();
    // A page restored from the back/forward cache has missed events.
    addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  }
})();
