// The palette: every page, task and action by a few letters (Ctrl K).
(() => {
  "use strict";
  const dialog = document.getElementById("palette");
  const text = document.getElementById("palette-text");
  const list = document.getElementById("palette-list");
  let entries = [];
  let at = 0;
  let asked = 0;

  const go = (href) => () => { location.href = href; };
  const taskHref = (id) => (id === "new" ? "/tasks/%6Eew" : `/tasks/${encodeURIComponent(id)}`);

  // Pages from the navigation, and what this page offers by keys.
  function fixed(wanted) {
    const found = Array.from(document.querySelectorAll(".top-nav a, .sub-nav a"), (link) => ({ label: link.textContent.trim(), act: go(link.href) }));
    if (dialog.dataset.new) found.push({ label: dialog.dataset.new, act: go("/tasks/new") });
    for (const element of document.querySelectorAll(".page-head [data-key]")) found.push({ label: element.textContent.trim(), act: () => element.click() });
    return found.filter((entry) => entry.label.toLowerCase().includes(wanted));
  }

  async function tasks(wanted) {
    if (!wanted) return [];
    const quoted = `"${wanted.replaceAll('"', " ")}"`;
    const answer = await fetch(`/api/v1/tasks?page_size=8&search=${encodeURIComponent(quoted)}`);
    if (!answer.ok) return [];
    const { items } = await answer.json();
    const open = items.map((task) => ({ label: task.id, more: task.name === task.id ? "" : task.name, act: go(taskHref(task.id)) }));
    const others = items.slice(0, 3).flatMap((task) => [
      dialog.dataset.run && { label: dialog.dataset.run.replace("{about}", task.id), act: () => htmx.ajax("GET", `${taskHref(task.id)}/run`, { target: "#dialog-body", swap: "innerHTML" }) },
      dialog.dataset.edit && { label: dialog.dataset.edit.replace("{about}", task.id), act: go(`${taskHref(task.id)}/edit`) },
    ]);
    return [...open, ...others.filter(Boolean)];
  }

  function draw() {
    list.replaceChildren(...entries.map((entry, place) => {
      const item = document.createElement("li");
      item.id = `palette-${place}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(place === at));
      item.append(entry.label);
      if (entry.more) {
        const more = document.createElement("span");
        more.className = "text-secondary";
        more.textContent = entry.more;
        item.append(" ", more);
      }
      item.addEventListener("click", () => choose(place));
      return item;
    }));
    text.setAttribute("aria-activedescendant", entries.length ? `palette-${at}` : "");
    document.getElementById(`palette-${at}`)?.scrollIntoView({ block: "nearest" });
  }

  function choose(place) {
    const entry = entries[place];
    dialog.close();
    entry?.act();
  }

  async function search() {
    const mine = ++asked;
    const wanted = text.value.trim().toLowerCase();
    entries = fixed(wanted);
    at = 0;
    draw();
    const found = await tasks(wanted).catch(() => []);
    if (mine !== asked) return;
    entries = [...entries, ...found];
    draw();
  }

  function move(step) {
    if (!entries.length) return;
    at = (at + step + entries.length) % entries.length;
    draw();
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
