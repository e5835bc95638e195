// Changes on the server. One event stream a browser: of its visible tabs one leads, holds the stream, and passes on what it hears.
// Hidden tabs hold none, because HTTP/1.1 has six connections for all tabs. A page catches up from the position it was drawn at.
// Events of the document: belfry:changes (tasks, executions, output, all), belfry:time (the server's clock).
(() => {
  "use strict";
  const { live, base, user, position } = document.body.dataset;
  const status = document.getElementById("live-status");
  if (!live || !status) return;
  const texts = JSON.parse(document.querySelector("meta[name=belfry-texts]").content);
  const name = `belfry-live ${base} ${user}`;
  const RETRY = 2000;
  const channel = window.BroadcastChannel ? new BroadcastChannel(name) : null;
  const tell = (message) => channel?.postMessage(message);
  const emit = (type, detail) => document.dispatchEvent(new CustomEvent(type, { detail }));
  let at = position; // the page shows every change up to here
  let source = null; // the stream, if this tab leads
  let waiting = null; // ends the wait for the lead, or the lead
  let timer = null;
  let lost = false;

  function show(state) {
    if (status.dataset.state === state) return;
    const back = lost && state === "live";
    status.dataset.state = state;
    lost = state === "lost";
    status.textContent = lost ? texts.lost : "";
    status.hidden = !lost;
    if (back) emit("belfry:toast", { kind: "success", text: texts.reconnected });
  }

  function receive(changes) {
    at = changes.at;
    emit("belfry:changes", changes);
  }

  function open() {
    source = new EventSource(`${base}/live?${new URLSearchParams({ at })}`);
    source.addEventListener("hello", (event) => {
      emit("belfry:time", JSON.parse(event.data).now);
      show("live");
      tell({ state: "live" });
    });
    source.addEventListener("changes", (event) => {
      const changes = JSON.parse(event.data);
      receive(changes);
      tell({ changes });
    });
    // Opened anew rather than by the browser, so that it continues at the last position.
    source.onerror = () => {
      close();
      show("lost");
      tell({ state: "lost" });
      timer = setTimeout(open, RETRY);
    };
  }

  function close() {
    source?.close();
    source = null;
  }

  // The changes that another tab's stream had before this tab listened.
  async function catchUp() {
    if (source || !waiting) return;
    try {
      const answer = await fetch(`${base}/live/changes?${new URLSearchParams({ at })}`, { headers: { "HX-Request": "true" } });
      if (!answer.ok) throw new Error(answer.status);
      receive(await answer.json());
      show("live");
    } catch {
      show("lost");
      timer = setTimeout(catchUp, RETRY);
    }
  }

  function start() {
    if (waiting || document.hidden) return;
    waiting = new AbortController();
    // Browsers have no locks over plain HTTP from another host: there each visible tab has a stream.
    if (!navigator.locks || !channel) { open(); return; }
    const { signal } = waiting;
    const lead = () => new Promise((resolve) => {
      clearTimeout(timer);
      signal.addEventListener("abort", resolve);
      if (signal.aborted) resolve(); else open();
    });
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock) return lead();
      catchUp();
      navigator.locks.request(name, { signal }, lead).catch(() => {}); // the tab was hidden before it led
      return null;
    });
  }

  function stop() {
    clearTimeout(timer);
    close();
    waiting?.abort();
    waiting = null;
  }

  channel?.addEventListener("message", ({ data }) => {
    if (source || !waiting) return;
    if (data.state) show(data.state);
    if (data.changes) receive(data.changes);
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else start(); });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) start(); });
  document.addEventListener("DOMContentLoaded", start);
})();
