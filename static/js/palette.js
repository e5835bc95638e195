// Command palette (Ctrl K): finds pages, tasks and actions by their names.
(() => {
  "use strict";
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const { base } = document.body.dataset;
  const text = document.getElementById("palette-text");
  const list = document.getElementById("palette-list");
  let entries = [];
  let at = 0;
  let searchId = 0;

  const go = (href) => () => { location.href = href; };
  const taskHref = (id) => `${base}/tasks/${id === "new" ? "%6Eew" : encodeURIComponent(id)}`;

  // Pages of the navigation, and actions of this page.
  function pageEntries(wanted) {
    const found = Array.from(document.querySelectorAll(".top-nav a, .sub-nav a"), (link) => ({ label: link.textContent.trim(), act: go(link.href) }));
    if (dialog.dataset.new) found.push({ label: dialog.dataset.new, act: go(`${base}/tasks/new`) });
    for (const element of document.querySelectorAll(".page-head [data-key]")) found.push({ label: element.textContent.trim(), act: () => element.click() });
    return found.filter((entry) => entry.label.toLowerCase().includes(wanted));
  }

  async function tasks(wanted) {
    if (!wanted) return [];
    const quoted = `"${wanted.replaceAll('"', " ")}"`;
    const answer = await fetch(`${base}/api/v1/tasks?page_size=8&search=${encodeURIComponent(quoted)}`);
    if (!answer.ok) return [];
    const { items } = await answer.json();
    const open = items.map((task) => ({ label: task.id, more: task.name === task.id ? "" : task.name, act: go(taskHref(task.id)) }));
    const others = items.slice(0, 3).flatMap((task) => [
      dialog.dataset.run && { label: dialog.dataset.run.replace("{about}", task.id), act: () => htmx.ajax("GET", `${taskHref(task.id)}/run`, { target: "#dialog-body", swap: "innerHTML" }) },
      dialog.dataset.edit && { label: dialog.dataset.edit.replace("{about}", task.id), act: go(`${taskHref(task.id)}/edit`) },
    ]);
    return [...open, ...others.filter(Boolean)];
  }

  function render() {
    list.replaceChildren(...entries.map((entry, index) => {
      const item = document.createElement("li");
      item.id = `palette-${index}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(index === at));
      item.append(entry.label);
      if (entry.more) {
        const more = document.createElement("span");
        more.className = "text-secondary";
        more.textContent = entry.more;
        item.append(" ", more);
      }
      item.addEventListener("click", () => choose(index));
      return item;
    }));
    text.setAttribute("aria-activedescendant", entries.length ? `palette-${at}` : "");
    document.getElementById(`palette-${at}`)?.scrollIntoView({ block: "nearest" });
  }

  function choose(index) {
    const entry = entries[index];
    dialog.close();
    entry?.act();
  }

  async function search() {
    const mine = ++searchId;
    const wanted = text.value.trim().toLowerCase();
    entries = pageEntries(wanted);
    at = 0;
    render();
    const found = await tasks(wanted).catch(() => []);
    if (mine !== searchId) return;
    entries = [...entries, ...found];
    render();
  }

  function move(step) {
    if (!entries.length) return;
    at = (at + step + entries.length) % entries.length;
    render();
  }

  text.addEventListener("input", search);
  text.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") choose(at);
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open) { dialog.close(); return; }
    text.value = "";
    dialog.showModal();
    search();
  });
})();
