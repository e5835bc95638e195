// Forms: one submission at a time, a question before a page with unsaved changes is left, and what was typed survives a sign-in.
(() => {
  "use strict";
  const submitting = new WeakSet();

  // Disabled by ARIA, not by the attribute: the button keeps the focus, and its value is sent.
  function setSubmitting(form, on) {
    if (on) submitting.add(form);
    else submitting.delete(form);
    for (const button of Array.from(form.elements).filter((element) => element.matches("button:not([type=button])"))) {
      if (on) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (submitting.has(form)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (form.getAttribute("method") !== "post") return;
    setSubmitting(form, true);
    // A download or an aborted request leaves the page as it is.
    if (!form.hasAttribute("hx-post")) setTimeout(() => setSubmitting(form, false), 10_000);
  }, true);
  document.addEventListener("htmx:finally:request", (event) => {
    const form = event.detail.ctx?.sourceElement;
    if (form instanceof HTMLFormElement) setSubmitting(form, false);
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) for (const form of document.forms) setSubmitting(form, false);
  });

  // Unsaved changes. A form that the server refused is unsaved from the start.
  const state = (form) => JSON.stringify(Array.from(new FormData(form)).filter(([, value]) => typeof value === "string"));
  const guarded = Array.from(document.querySelectorAll("form[data-guard]"), (form) => ({ form, saved: "unsaved" in form.dataset ? null : state(form) }));

  // What was typed into a form, by name: repeated names in their order. Passwords, secrets and the keys of the session are left out,
  // and so is what tells the server how the form was drawn.
  const DRAWN = ["csrf", "key", "version", "params_view", "filled_by", "is_checked"];
  const kept = (element) => element.name && !DRAWN.includes(element.name) && !["password", "file", "submit"].includes(element.type) && !("secret" in element.dataset);
  const fields = (form) => Array.from(form.elements).filter(kept);
  const isSwitch = (element) => element.type === "checkbox" || element.type === "radio";
  const view = (form) => form.elements.params_view?.value ?? "";
  function collect(form) {
    const values = fields(form).map((element) => ({ name: element.name, value: element.value, on: isSwitch(element) ? element.checked : null }));
    return { view: view(form), values };
  }

  /** Puts values into a form; returns those whose fields it lacks. */
  function put(form, values) {
    const seen = new Map();
    return values.filter(({ name, value, on }) => {
      const same = fields(form).filter((element) => element.name === name && isSwitch(element) === (on !== null));
      const place = on === null ? (seen.get(name) ?? 0) : 0;
      if (on === null) seen.set(name, place + 1);
      if (on === null && place === same.length && place > 0) same.at(-1).closest(".pairs")?.querySelector("[data-pair-add]").click();
      const element = on === null ? fields(form).filter((one) => one.name === name && !isSwitch(one))[place] : same.find((one) => one.value === value);
      if (!element) return true;
      const changed = on === null ? element.value !== value : element.checked !== on;
      if (on === null) element.value = value;
      else element.checked = on;
      if (changed) element.dispatchEvent(new Event("input", { bubbles: true }));
      if (changed && (element.matches("select") || on)) element.dispatchEvent(new Event("change", { bubbles: true }));
      return false;
    });
  }
  const swapped = () => new Promise((resolve) => {
    document.addEventListener("htmx:after:swap", resolve, { once: true });
    setTimeout(resolve, 5000);
  });

  /** Fills in a form: first what decides which fields there are, the type of the task and the view of its parameters. */
  async function fill(form, draft) {
    const type = draft.values.find(({ name, on }) => name === "/type" && on);
    const card = type && fields(form).find((element) => element.name === "/type" && element.value === type.value);
    if (card && !card.checked) {
      const done = swapped();
      card.click();
      await done;
    }
    const tab = draft.view && draft.view !== view(form) && form.querySelector(`[name=params_to][value="${CSS.escape(draft.view)}"]`);
    if (tab) {
      const done = swapped();
      tab.click();
      await done;
    }
    put(form, draft.values);
  }
  const tell = (kind, text) => document.dispatchEvent(new CustomEvent("belfry:toast", { detail: { kind, text } }));

  // A form that is sent is kept for this tab until a page shows that it was saved: without a session the answer is the sign-in page,
  // which leads back to the form.
  const DRAFT = "belfry-draft";
  const HOUR = 3_600_000;
  function keepDraft(form) {
    sessionStorage.setItem(DRAFT, JSON.stringify({ page: location.pathname, at: Date.now(), ...collect(form) }));
  }
  function restoreDraft() {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
    if (!draft || !document.body.dataset.user) return false;
    sessionStorage.removeItem(DRAFT);
    const guard = guarded.find(() => draft.page === location.pathname && Date.now() - draft.at < HOUR);
    if (!guard || "unsaved" in guard.form.dataset) return false;
    guard.saved = null;
    fill(guard.form, draft);
    tell("info", belfry.texts.restored);
    return true;
  }

  // Drafts: what was typed into the form of a task stays in this browser until it is saved, dropped, or the user signs out. It is
  // offered when the form is opened again, never filled in unasked.
  const PREFIX = "belfry-draft:";
  const WEEK = 168 * HOUR;
  const SECRETS = /"[^"]*(?:bearer|passw|secret|token|api_?key|credential|authorization)[^"]*"\s*:/i;
  const storeKey = () => `${PREFIX}${document.body.dataset.user}:${location.pathname}`;
  const stored = (key) => { try { return JSON.parse(localStorage.getItem(key) ?? "null"); } catch { return null; } };
  const plain = (form) => collect(form).values.filter(({ value }) => !SECRETS.test(value));
  // What was typed a moment before signing out must not be stored while the page waits for the answer.
  let isSigningOut = false;
  function storeDraft(form, more = {}) {
    if (isSigningOut) return;
    const draft = { ...collect(form), values: plain(form) };
    try { localStorage.setItem(storeKey(), JSON.stringify({ at: Date.now(), ...draft, ...more })); } catch { /* the storage is full */ }
  }
  function dropDrafts(matches) {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX) && matches(key)) localStorage.removeItem(key);
  }
  function offerDraft(form, draft) {
    const box = document.createElement("div");
    box.className = "alert alert-info draft-offer";
    box.setAttribute("role", "status");
    const button = (text, act) => {
      const one = document.createElement("button");
      one.type = "button";
      one.className = "btn btn-sm";
      one.textContent = text;
      one.addEventListener("click", () => { act(); box.remove(); });
      return one;
    };
    const time = document.createElement("time");
    time.dateTime = new Date(draft.at).toISOString();
    time.dataset.when = "";
    const [before, after] = belfry.texts.draft.split("{time}");
    box.append(before, time, after ?? "", " ", button(belfry.texts.draft_use, () => fill(form, draft)), " ", button(belfry.texts.draft_drop, () => dropDrafts((key) => key === storeKey())));
    form.prepend(box);
    belfry.localise(box);
  }
  function followDrafts(wasRestored) {
    if (!document.body.dataset.user) return;
    const form = document.querySelector("form[data-draft]");
    const here = storeKey();
    // A draft that was sent is saved, unless this is the form again.
    dropDrafts((key) => { const one = stored(key); return !one || Date.now() - one.at > WEEK || (one.sent && !(form && key === here)); });
    if (!form) return;
    const draft = stored(here);
    const isOther = JSON.stringify(draft?.values) !== JSON.stringify(plain(form));
    if (draft && isOther && !wasRestored && !("unsaved" in form.dataset)) offerDraft(form, draft);
    let waiting = null;
    const keep = () => {
      if (state(form) === guarded.find((one) => one.form === form)?.saved) dropDrafts((key) => key === here);
      else storeDraft(form);
    };
    const follow = () => { clearTimeout(waiting); waiting = setTimeout(keep, 400); };
    form.addEventListener("input", follow);
    form.addEventListener("change", follow);
    form.addEventListener("submit", () => { clearTimeout(waiting); storeDraft(form, { sent: true }); });
  }
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[action$='/logout']")) return;
    isSigningOut = true;
    dropDrafts(() => true);
  });
  followDrafts(restoreDraft());
  // A check in the background that finds the session ended leads to the sign-in page too.
  document.addEventListener("htmx:before:response", (event) => {
    const { response } = event.detail.ctx;
    const guard = guarded.find(({ form, saved }) => form.isConnected && state(form) !== saved);
    if (response.status !== 401 || !guard) return;
    keepDraft(guard.form);
    submitting.add(guard.form);
  });
  document.addEventListener("submit", (event) => { if (guarded.some(({ form }) => form === event.target)) keepDraft(event.target); });
  addEventListener("beforeunload", (event) => {
    if (guarded.some(({ form, saved }) => !submitting.has(form) && state(form) !== saved)) event.preventDefault();
  });
})();
