// The editor of JSON boxes: what pages need of CodeMirror, and no more. Built once, as VERSIONS.txt says.
export { EditorState, Compartment } from "@codemirror/state";
export { EditorView, keymap, lineNumbers, drawSelection, hoverTooltip } from "@codemirror/view";
export { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
export { bracketMatching, indentOnInput, syntaxHighlighting, HighlightStyle, syntaxTree, indentUnit } from "@codemirror/language";
export { autocompletion, completionKeymap, closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
export { setDiagnostics, linter } from "@codemirror/lint";
export { jsonLanguage } from "@codemirror/lang-json";
export { tags } from "@lezer/highlight";
