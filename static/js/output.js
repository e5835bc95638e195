// Output of an execution: fetched as it comes, followed, searched.
(() => {
  "use strict";
  const output = document.getElementById("output");
  if (!output) return;
  const follow = document.getElementById("follow");
  let fetching = false;
  let again = false;
  async function fetchOutput() {
    if (fetching) { again = true; return; }
    fetching = true;
    const end = Array.from(output.querySelectorAll("[data-last]")).pop();
    const { last = "", style = "", place = "" } = end?.dataset ?? {};
    const query = new URLSearchParams({ after: last, style, place });
    try {
      const answer = await fetch(`${output.dataset.source}?${query}`, { headers: { "HX-Request": "true" } });
      if (answer.ok) {
        const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (parsed.querySelector("[data-last]")) end?.remove();
        addOutput(parsed.body);
        trimOutput();
        followOutput();
      }
    } finally {
      fetching = false;
      if (again) { again = false; setTimeout(fetchOutput, 500); }
    }
  }
  // New lines are appended; the rest of a line that was unfinished is added to it.
  function addOutput(body) {
    for (const node of Array.from(body.childNodes)) {
      const begun = node.dataset?.continues && document.getElementById(node.dataset.continues);
      if (begun) begun.append(...node.childNodes);
      else if (!node.dataset?.continues) output.append(node);
    }
    if (times.checked) stampTimes();
    showFirstError(body);
  }

  // The page keeps only the newest part of the output; the download has all of it.
  const MAX_NODES = 8000;
  const MAX_CHARACTERS = 2_000_000;
  function trimOutput() {
    let length = output.textContent.length;
    while (output.childNodes.length > MAX_NODES || (length > MAX_CHARACTERS && output.childNodes.length > 2)) {
      length -= output.firstChild.textContent.length;
      output.firstChild.remove();
    }
  }

  // Times of lines, in the reader's zone; written when they are first wanted.
  const times = document.getElementById("line-times");
  const two = (number) => String(number).padStart(2, "0");
  function stampTimes() {
    for (const line of output.querySelectorAll(".ln[data-at]:not([data-t])")) {
      const at = new Date(Number(line.dataset.at));
      line.dataset.t = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
    }
  }
  times.addEventListener("change", () => {
    if (times.checked) stampTimes();
    output.classList.toggle("with-times", times.checked);
  });
  document.getElementById("only-stderr").addEventListener("change", (event) => output.classList.toggle("only-stderr", event.target.checked));

  // The first error of what came since, if there was none before.
  const firstError = document.getElementById("first-error");
  function showFirstError(body) {
    const number = Number(body.querySelector("[data-error]")?.dataset.error);
    if (!number || !firstError.hidden) return;
    firstError.href = `${location.pathname}?line=${number}#L${number}`;
    firstError.hidden = false;
  }
  // A line that the page has is scrolled to; another one is a link to the page with the lines around it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("#first-error, .output-hits a");
    const line = link && document.getElementById(link.hash.slice(1));
    if (!line || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    goTo(line);
  });
  function goTo(line) {
    follow.checked = false;
    output.querySelector(".is-target")?.classList.remove("is-target");
    line.classList.add("is-target");
    output.scrollTop += line.getBoundingClientRect().top - output.getBoundingClientRect().top - output.clientHeight / 3;
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
    clearTimeout(asking);
    asking = setTimeout(searchAll, 300);
  }

  // The page may have only a part of the output: the server searches all of it.
  let asking = null;
  const found = document.getElementById("output-found");
  async function searchAll() {
    const wanted = find.value;
    if (!wanted || !output.querySelector(".out-gap")) { found.replaceChildren(); return; }
    const query = new URLSearchParams({ find: wanted });
    const answer = await fetch(`${found.dataset.source}?${query}`, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (answer?.ok && wanted === find.value) found.innerHTML = await answer.text();
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
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (hits.length) showHit(event.shiftKey ? -1 : 1);
    });
  }

  function followOutput() {
    if (follow.checked) output.scrollTop = output.scrollHeight;
  }
  // The output is followed only while the reader is at its end.
  output.addEventListener("scroll", () => { follow.checked = output.scrollHeight - output.scrollTop - output.clientHeight < 8; });
  follow.addEventListener("change", followOutput);
  document.getElementById("wrap").addEventListener("change", (event) => {
    output.classList.toggle("no-wrap", !event.target.checked);
    followOutput();
  });

  const about = () => document.getElementById("live")?.dataset.about;
  document.addEventListener("belfry:changes", ({ detail }) => {
    if (detail.all || detail.output.includes(about()) || detail.executions.includes(about())) fetchOutput();
  });
  document.addEventListener("htmx:after:swap", followOutput);
  // A line that the URL names comes first.
  const wantedLine = location.hash.startsWith("#L") && document.getElementById(location.hash.slice(1));
  if (wantedLine) goTo(wantedLine); else followOutput();
})();
