// Vendors the rules of Tabler that the pages use: `node packaging/vendor-tabler.mjs`. Run it again after a page uses a class of Tabler
// that none used before; `--check` only says whether it must be run. Fetches npm's @tabler/core and purgecss into a temporary folder.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TABLER = "1.6.1";
const PURGECSS = "7.0.2";
const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, `static/vendor/tabler-core-${TABLER}/tabler.min.css`);

const files = (folder) => readdirSync(folder).flatMap((name) => {
  const path = join(folder, name);
  return statSync(path).isDirectory() ? files(path) : [path];
});
const words = (pattern) => (text) => text.match(pattern) ?? [];

/** The rule `legend+*`: with it, a browser looks at all that follows whenever an element is inserted. Ours name what follows a legend. */
const SLOW = "legend+*";

/** Removes the variables that no rule uses, here, in Belfry's own sheet or in a script, directly or through another variable. */
function withoutUnusedVariables(css, postcss) {
  const names = (text) => text.match(/--tblr-[\w-]+/g) ?? [];
  const sheet = postcss.parse(css);
  const own = files(join(root, "static/css")).concat(files(join(root, "static/js"))).map((path) => readFileSync(path, "utf8"));
  const used = new Set(own.flatMap(names));
  const values = new Map();
  sheet.walkDecls((rule) => {
    if (rule.prop.startsWith("--")) values.set(rule.prop, [...(values.get(rule.prop) ?? []), ...names(rule.value)]);
    else for (const name of names(rule.value)) used.add(name);
  });
  for (const name of used) for (const other of values.get(name) ?? []) used.add(other);
  sheet.walkDecls(/^--/, (rule) => { if (!used.has(rule.prop)) rule.remove(); });
  sheet.walkRules((rule) => { if (rule.selector === SLOW || !rule.nodes.length) rule.remove(); });
  return sheet.toString();
}

const folder = mkdtempSync(join(tmpdir(), "belfry-tabler-"));
try {
  execFileSync("npm", ["install", "--no-save", "--silent", "--prefix", folder, `@tabler/core@${TABLER}`, `purgecss@${PURGECSS}`], { stdio: "inherit" });
  const require = createRequire(join(folder, "package.json"));
  const { PurgeCSS } = require("purgecss");
  const [result] = await new PurgeCSS().purge({
    css: [join(folder, "node_modules/@tabler/core/dist/css/tabler.min.css")],
    // Classes are whole words of the templates; some are made by scripts or by the views.
    content: ["templates", "static/js", "src/web"].flatMap((name) => files(join(root, name))),
    extractors: [{ extensions: ["html", "js", "rs"], extractor: words(/[A-Za-z][\w-]*/g) }],
    safelist: { standard: [":root", "html", "body", "dialog"], deep: [/^data-bs-theme/, /^data-bs-theme-/], greedy: [/data-bs-theme=dark/] },
    fontFace: true,
    keyframes: true,
  });
  const css = withoutUnusedVariables(result.css, require("postcss")).replace(/\/\*# sourceMappingURL.*?\*\//, "").trimEnd() + "\n";
  if (process.argv.includes("--check")) {
    const same = readFileSync(target, "utf8") === css;
    console.log(same ? "the vendored rules of Tabler are complete" : "run node packaging/vendor-tabler.mjs");
    process.exitCode = same ? 0 : 1;
  } else {
    writeFileSync(target, css);
    console.log(`${target}: ${css.length} bytes`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
