// Applies the system's color scheme before the first paint if the theme is "system".
(() => {
  const root = document.documentElement;
  if (root.dataset.theme !== "system") return;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => { if (dark.matches) root.dataset.bsTheme = "dark"; else delete root.dataset.bsTheme; };
  apply();
  dark.addEventListener("change", apply);
})();
document.documentElement.classList.add("scripted");
