// Theme and language as the reader chose them on the pages, before the first paint.
"use strict";
(() => {
  const cookie = (name) => document.cookie.split("; ").find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  const theme = cookie("belfry_theme") ?? "system";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => document.documentElement.classList.toggle("dark-mode", theme === "dark" || (theme === "system" && system.matches));
  apply();
  system.addEventListener("change", apply);
  const chosen = cookie("belfry_lang");
  const isChinese = chosen ? chosen.startsWith("zh") : navigator.language.startsWith("zh");
  document.addEventListener("DOMContentLoaded", () => {
    if (!isChinese) return;
    for (const link of document.querySelectorAll("[data-zh]")) link.textContent = link.dataset.zh;
  });
})();
