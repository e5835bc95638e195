// Rows of lists: updates, the menu of actions, the selection, keyboard.
(() => {
  "use strict";
  const { live, base } = document.body.dataset;
  const all = (selector, root = document) => root.querySelectorAll(selector);
  const href = (row) => row.querySelector(".cell-title")?.getAttribute("href");
  const LISTS = { task: "/tasks/-/rows", execution: "/executions/-/rows" };

  // Updates: collected, then fetched together, at most once a second. An own action's row is fetched at once.
  const pending = { task: new Set(), execution: new Set() };
  let timer = null;
  function update(kind, ids, delay = 150) {
    for (const id of ids) if (document.querySelector(`tr[data-${kind}="${CSS.escape(id)}"]`)) pending[kind].add(id);
    if (!pending.task.size && !pending.execution.size) return;
    if (delay === 0) { fetchPending(); return; }
    timer ??= setTimeout(() => { fetchPending(); timer = setTimeout(() => { timer = null; update("task", []); }, 1000); }, delay);
  }
  async function fetchPending() {
    for (const [kind, path] of Object.entries(LISTS)) {
      const ids = Array.from(pending[kind]);
      pending[kind].clear();
      if (!ids.length) continue;
      const answer = await fetch(`${base}${path}?${ids.map((id) => `id=${encodeURIComponent(id)}`).join("&")}`, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (answer?.ok) replace(kind, await answer.text());
    }
  }

  function replace(kind, html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    for (const fresh of Array.from(template.content.children)) {
      const old = document.querySelector(`tr[data-${kind}="${CSS.escape(fresh.dataset[kind])}"]`);
      if (!old) continue;
      if ("gone" in fresh.dataset) { old.remove(); continue; }
      belfry.localise(fresh);
      belfry.updateClocks(fresh);
      old.className = fresh.className;
      old.toggleAttribute("data-managed", "managed" in fresh.dataset);
      const cells = Array.from(fresh.children);
      if (cells.length !== old.children.length) old.replaceChildren(...cells); // the reader's rights have changed
      else cells.forEach((cell, place) => replaceCell(old.children[place], cell));
    }
  }

  // Only the cells that changed are drawn again; the actions never do, and the menu may be open on them. A cell keeps the focus and the
  // checkbox.
  function replaceCell(shown, cell) {
    if (cell.matches(".cell-actions") || shown.isEqualNode(cell)) return;
    const active = shown.contains(document.activeElement) ? document.activeElement : null;
    const by = active && ["data-key", "data-menu", "name", "href"].find((one) => active.hasAttribute(one));
    const box = cell.querySelector("[form=bulk]");
    if (box) box.checked = selected.has(box.value);
    shown.replaceWith(cell);
    if (by) cell.querySelector(`[${by}="${CSS.escape(active.getAttribute(by))}"]`)?.focus({ preventScroll: true });
  }

  // The menu of a row: one for the whole list. Without script its button leads to the task's page.
  const menu = () => document.getElementById("row-menu");
  let opener = null;
  let menuRow = null;
  function openMenu(button) {
    const row = button.closest("tr");
    const box = menu();
    if (!box) return;
    const managed = "managed" in row.dataset;
    const paused = row.classList.contains("is-paused");
    const hiddenActs = { pause: paused, resume: !paused, edit: managed, delete: managed };
    for (const item of all("[data-act]", box)) item.hidden = Boolean(hiddenActs[item.dataset.act]);
    [opener, menuRow] = [button, row];
    box.showPopover();
    const place = button.getBoundingClientRect();
    box.style.left = `${Math.max(8, place.right - box.offsetWidth)}px`;
    box.style.top = `${Math.max(8, Math.min(place.bottom + 4, innerHeight - box.offsetHeight - 8))}px`;
    box.querySelector("[data-act]:not([hidden])")?.focus();
  }

  // The buttons of a row are icons; their names are shown as tooltips.
  document.addEventListener("mouseover", ({ target }) => {
    const button = target.closest?.(".cell-actions [aria-label]:not([title])");
    if (button) button.title = button.ariaLabel;
  });

  const dialog = (path) => htmx.ajax("GET", path, { target: "#dialog-body", swap: "innerHTML" });
  async function post(path) {
    const body = new URLSearchParams({ csrf: menu().dataset.csrf });
    const wait = belfry.loading.begin(opener);
    const answer = await fetch(path, { method: "POST", headers: { "HX-Request": "true" }, body }).catch(() => null);
    belfry.loading.end(wait);
    const event = answer && JSON.parse(answer.headers.get("hx-trigger") ?? "null");
    if (answer?.headers.get("hx-redirect")) location.href = answer.headers.get("hx-redirect");
    else if (event) document.dispatchEvent(new CustomEvent("belfry:done", { detail: event["belfry:done"] }));
    else document.dispatchEvent(new CustomEvent("htmx:error"));
  }
  const acts = {
    run: (path) => dialog(`${path}/run`),
    params: (path) => dialog(`${path}/run?params=1`),
    delete: (path) => dialog(`${path}/delete`),
    pause: (path) => post(`${path}/pause`),
    resume: (path) => post(`${path}/resume`),
    edit: (path) => { location.href = `${path}/edit`; },
    copy: (path) => { location.href = `${path}/copy`; },
    open: (path) => { location.href = path; },
  };
  function act(row, name) {
    const item = menu()?.querySelector(`[data-act=${name}]`);
    const managed = "managed" in row.dataset && (name === "edit" || name === "delete");
    if (item && !managed) acts[name](href(row));
  }

  document.addEventListener("click", (event) => {
    const element = event.target.closest("tr[data-task] [data-key=r], [data-menu], #row-menu [data-act]");
    if (!element || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (element.dataset.act) {
      menu().hidePopover();
      opener.focus({ preventScroll: true });
      act(menuRow, element.dataset.act);
    } else if (element.hasAttribute("data-menu")) openMenu(element);
    else act(element.closest("tr"), "run");
  });
  document.addEventListener("keydown", (event) => {
    const item = event.target.closest?.("#row-menu [data-act]");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!item) return;
    if (event.key === "Escape" || event.key === "Tab") { menu().hidePopover(); opener?.focus({ preventScroll: true }); }
    if (!step) return;
    event.preventDefault();
    const items = Array.from(all("[data-act]:not([hidden])", menu()));
    items[(items.indexOf(item) + step + items.length) % items.length].focus();
  });

  // The selection is kept when rows are updated, and dropped when the page of the list changes.
  const selected = new Set();
  // The filter for which all matching tasks are selected; the selection ends with another filter.
  let selectedFilter = null;
  const currentFilter = () => Array.from(all("#bulk input[type=hidden]"), (field) => `${field.name}=${field.value}`).join("&");
  function showSelection() {
    const counter = document.getElementById("selected-count");
    if (!counter) return;
    counter.textContent = counter.dataset.text.replace("{n}", String(selected.size));
    document.getElementById("bulk").classList.toggle("is-used", selected.size > 0 || Boolean(document.getElementById("select-all")?.checked));
  }
  function restoreSelection() {
    const boxes = Array.from(all("[form=bulk]"));
    for (const box of boxes) box.checked = selected.has(box.value);
    const selectAll = document.getElementById("select-all");
    if (selectAll) selectAll.checked = selectedFilter === currentFilter();
    selectedFilter = selectAll?.checked ? selectedFilter : null;
    const shown = new Set(boxes.map((box) => box.value));
    for (const id of selected) if (!shown.has(id)) selected.delete(id);
    showSelection();
  }
  function clearSelection() {
    selected.clear();
    selectedFilter = null;
    for (const box of all("#select-page, #select-all, [form=bulk]")) box.checked = false;
    showSelection();
  }
  document.addEventListener("change", (event) => {
    if (event.target.id === "select-page") for (const box of all("[form=bulk]")) box.checked = event.target.checked;
    if (!event.target.matches("#select-page, #select-all, [form=bulk]")) return;
    if (event.target.id === "select-all") selectedFilter = event.target.checked ? currentFilter() : null;
    for (const box of all("[form=bulk]")) if (box.checked) selected.add(box.value); else selected.delete(box.value);
    showSelection();
  });
  // The browser may restore checkboxes when it returns to the page.
  for (const box of all("[form=bulk]:checked")) selected.add(box.value);
  if (document.getElementById("select-all")?.checked) selectedFilter = currentFilter();
  showSelection();

  // A list may be drawn before a change and shown after its event: its rows are fetched again.
  let meanwhile = null;
  document.addEventListener("htmx:before:request", (event) => {
    if (event.detail.ctx.target?.id === "list") meanwhile = { task: [], execution: [] };
  });
  document.addEventListener("htmx:after:swap", (event) => {
    restoreSelection();
    if (event.detail.ctx?.target?.id !== "list") return;
    for (const [kind, ids] of Object.entries(meanwhile ?? {})) update(kind, ids);
    meanwhile = null;
    newest = document.querySelector("[data-newest]")?.dataset.newest;
  });

  const shown = (kind) => Array.from(all(`tr[data-${kind}]`), (row) => row.dataset[kind]);
  document.addEventListener("belfry:changes", ({ detail }) => {
    meanwhile?.task.push(...detail.tasks);
    meanwhile?.execution.push(...detail.executions);
    if (live === "tasks") update("task", detail.all ? shown("task") : detail.tasks);
    if (live !== "executions") return;
    update("execution", detail.all ? shown("execution") : detail.executions);
    if (detail.all || detail.executions.some((id) => id > newest)) offerNewer();
  });

  // Offers executions that are newer than the first row and match the filter.
  let newest = document.querySelector("[data-newest]")?.dataset.newest;
  let counting = false;
  let again = false;
  async function offerNewer() {
    if (document.getElementById("list")?.dataset.first !== "true") return;
    if (counting) { again = true; return; }
    counting = true;
    const query = new URLSearchParams(location.search);
    query.set("since", newest);
    const answer = await fetch(`${base}/executions/-/newer?${query}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    const { count, more } = answer?.ok ? await answer.json() : { count: 0 };
    const link = document.getElementById("offer");
    if (count && document.getElementById("follow-list")?.checked) {
      htmx.ajax("GET", location.href, { target: "#list", swap: "outerHTML", select: "#list" });
    } else if (count && link) {
      link.textContent = belfry.texts.new_rows.replace("{n}", more ? `${count}+` : String(count));
      link.hidden = false;
    }
    setTimeout(() => {
      counting = false;
      if (again) { again = false; offerNewer(); }
    }, 1000);
  }

  function move(step) {
    const rows = Array.from(all(".rows tr[tabindex]"));
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    rows[Math.min(rows.length - 1, Math.max(0, at + step))].focus();
  }
  // Whether the key was used.
  function key(name) {
    const row = document.activeElement?.closest("tr[tabindex]");
    if (name === "j") move(1);
    else if (name === "k") move(-1);
    else if (!row) return false;
    else if (name === "Enter" && document.activeElement === row) location.href = href(row);
    else if (name === "r") act(row, "run");
    else if (name === "e") act(row, "edit");
    else if (name === "p") act(row, row.classList.contains("is-paused") ? "resume" : "pause");
    else return false;
    return true;
  }
  belfry.rows = { update, clearSelection, key };
})();
