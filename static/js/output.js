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
    const lastChunk = Array.from(output.querySelectorAll("[data-last]")).pop()?.dataset;
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
  followOutput();
})();
