// Replaces JSON text areas with an editor: highlighting, bracket matching, completion of parameters, faults at their position. The
// text area is still what is submitted and checked, and the fallback if the editor cannot be loaded. The editor is in a shadow
// root, so that its styles comply with the content security policy.
(() => {
  "use strict";
  const boxes = () => document.querySelectorAll("textarea[data-editor]:not([data-edited])");
  const views = new WeakMap();

  async function enhance() {
    for (const box of boxes()) {
      box.dataset.edited = "";
      try {
        const library = await import(box.dataset.editor);
        if (box.isConnected) open(library, box);
      } catch (error) {
        console.warn("failed to load the editor", error);
      }
    }
  }

  // The parameters of the task type, from the table on the page, for tooltips and completion.
  const parameters = () => Array.from(document.querySelectorAll("#type-part .params-table tbody tr"), (row) => ({
    name: row.querySelector("th code").textContent,
    kind: row.cells[1].textContent.trim(),
    text: row.cells[2].textContent.trim(),
  }));

  // Returns the top-level property at a position, from the syntax tree; null outside of property names.
  function nameAt(library, state, pos) {
    const node = library.syntaxTree(state).resolveInner(pos, 0);
    if (node.name !== "PropertyName" || node.parent?.parent?.parent?.name !== "JsonText") return null;
    return { from: node.from, to: node.to, name: state.sliceDoc(node.from + 1, node.to - 1) };
  }

  // Returns the text range of a JSON Pointer such as /to/0; the whole text if it does not exist.
  function rangeOf(library, state, pointer) {
    let node = library.syntaxTree(state).topNode.firstChild;
    for (const part of pointer.split("/").slice(1).map((raw) => raw.replaceAll("~1", "/").replaceAll("~0", "~"))) {
      if (node?.name === "Object") {
        const property = node.getChildren("Property").find((one) => {
          const name = one.getChild("PropertyName");
          return name && state.sliceDoc(name.from + 1, name.to - 1) === part;
        });
        node = property?.lastChild ?? node;
        if (!property) break;
      } else if (node?.name === "Array") {
        const items = [];
        for (let item = node.firstChild; item; item = item.nextSibling) if (!"[],".includes(item.name)) items.push(item);
        node = items[Number(part)] ?? node;
      } else break;
    }
    return node ? { from: node.from, to: node.to } : { from: 0, to: state.doc.length };
  }

  function open(library, box) {
    const { EditorState, EditorView, keymap } = library;
    const label = document.querySelector(`label[for="${box.id}"]`);
    const host = document.createElement("div");
    host.className = "editor";
    box.after(host);
    const shadow = host.attachShadow({ mode: "open" });
    let updatingFromTextArea = false;
    const colours = library.HighlightStyle.define([
      { tag: library.tags.propertyName, color: "var(--editor-name)" },
      { tag: library.tags.string, color: "var(--editor-text)" },
      { tag: [library.tags.number, library.tags.bool, library.tags.null], color: "var(--editor-value)" },
    ]);
    const theme = EditorView.theme({
      "&": { fontSize: "inherit", color: "inherit", backgroundColor: "transparent" },
      "&.cm-focused": { outline: "none" },
      ".cm-content": { fontFamily: "var(--tblr-font-monospace)", caretColor: "currentColor", minHeight: "12rem" },
      ".cm-cursor": { borderLeftColor: "currentColor" },
      ".cm-scroller": { maxHeight: "32rem", fontFamily: "var(--tblr-font-monospace)" },
      ".cm-gutters": { backgroundColor: "transparent", color: "var(--editor-dim)", borderRight: "1px solid var(--tblr-border-color)" },
      ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "var(--editor-selected)" },
      ".cm-matchingBracket": { backgroundColor: "var(--editor-selected)" },
      ".cm-tooltip": { backgroundColor: "var(--editor-ground)", color: "inherit", border: "1px solid var(--tblr-border-color)", borderRadius: "6px", maxWidth: "28rem" },
      ".cm-tooltip-hover, .cm-completionInfo": { padding: ".4rem .6rem" },
      ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--editor-selected)", color: "inherit" },
    });
    const complete = (context) => {
      const node = library.syntaxTree(context.state).resolveInner(context.pos, -1);
      const word = context.matchBefore(/"?[\w.-]*/);
      const depth = (() => { let count = 0; for (let one = node; one; one = one.parent) if (one.name === "Object") count += 1; return count; })();
      const isValue = node.name === "String" && node.parent?.name === "Property";
      if (depth !== 1 || isValue || (!word.text && !context.explicit)) return null;
      const closed = context.state.sliceDoc(context.pos, context.pos + 1) === '"';
      const options = parameters().map(({ name, kind, text }) => ({ label: `"${name}"`, apply: closed ? `"${name}` : `"${name}"`, detail: kind, info: text || undefined, type: "property" }));
      return { from: word.from, options, validFor: /^"?[\w.-]*$/ };
    };
    const tooltip = library.hoverTooltip((view, pos) => {
      const found = nameAt(library, view.state, pos);
      const known = found && parameters().find((one) => one.name === found.name);
      if (!known) return null;
      const create = () => { const dom = document.createElement("div"); dom.textContent = [known.kind, known.text].filter(Boolean).join(": "); return { dom }; };
      return { pos: found.from, end: found.to, above: true, create };
    });
    const changed = EditorView.updateListener.of((update) => {
      if (!update.docChanged || updatingFromTextArea) return;
      box.value = update.state.doc.toString();
      box.dispatchEvent(new Event("input", { bubbles: true }));
    });
    const view = new EditorView({
      root: shadow,
      parent: shadow,
      state: EditorState.create({
        doc: box.value,
        extensions: [
          library.lineNumbers(), library.history(), library.drawSelection(), library.indentUnit.of("  "), EditorState.tabSize.of(2),
          library.jsonLanguage, library.indentOnInput(), library.bracketMatching(), library.closeBrackets(), library.syntaxHighlighting(colours),
          library.autocompletion({ override: [complete] }), tooltip, EditorView.lineWrapping, theme, changed, library.linter(null),
          keymap.of([...library.closeBracketsKeymap, ...library.defaultKeymap, ...library.historyKeymap, ...library.completionKeymap]),
          EditorView.contentAttributes.of({ "aria-label": label?.textContent.trim() ?? "" }),
        ],
      }),
    });
    views.set(box, { view, library });
    box.classList.add("visually-hidden");
    box.tabIndex = -1;
    box.setAttribute("aria-hidden", "true");
    box.addEventListener("input", () => {
      if (box.value === view.state.doc.toString()) return;
      updatingFromTextArea = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: box.value } });
      updatingFromTextArea = false;
    });
    // Labels and links to the text area focus the editor.
    for (const way of document.querySelectorAll(`label[for="${box.id}"], a[href="#${box.id}"]`)) {
      way.addEventListener("click", (event) => { event.preventDefault(); host.scrollIntoView({ block: "nearest" }); view.focus(); });
    }
    markFaults();
  }

  // Marks the faults of the parameter check in the text.
  function markFaults() {
    for (const box of document.querySelectorAll("textarea[data-edited]")) {
      const found = views.get(box);
      if (!found) continue;
      const { view, library } = found;
      const { state } = view;
      const faults = Array.from(document.querySelectorAll(`${box.dataset.check} li[data-pointer]`), (item) => {
        const line = item.textContent.match(/(?:line |第 )(\d+)(?:, column | 行第 )(\d+)/);
        if (!line) return { ...rangeOf(library, state, item.dataset.pointer), severity: "error", message: item.textContent };
        const at = state.doc.line(Math.min(Number(line[1]), state.doc.lines));
        const from = Math.min(at.to, at.from + Math.max(0, Number(line[2]) - 1));
        return { from, to: Math.min(at.to, from + 1), severity: "error", message: item.textContent };
      });
      view.dispatch(library.setDiagnostics(state, faults));
    }
  }

  document.addEventListener("htmx:after:swap", () => { enhance(); markFaults(); });
  if (window.requestIdleCallback) requestIdleCallback(enhance, { timeout: 1500 });
  else setTimeout(enhance, 200);
})();
