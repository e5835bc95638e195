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

  // A form that is sent is kept for this tab until a page shows that it was saved: without a session the answer is the sign-in page,
  // which leads back to the form. Passwords and the keys of the session are not kept.
  const DRAFT = "belfry-draft";
  const HOUR = 3_600_000;
  const kept = (element) => element.name && !["csrf", "key"].includes(element.name) && !["password", "file", "submit"].includes(element.type);
  const fields = (form) => Array.from(form.elements).filter(kept);
  function keepDraft(form) {
    const values = fields(form).map(({ name, type, value, checked }) => ({ name, value, on: type === "checkbox" || type === "radio" ? checked : null }));
    sessionStorage.setItem(DRAFT, JSON.stringify({ page: location.pathname, at: Date.now(), values }));
  }
  function restoreDraft() {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null");
    if (!draft || !document.body.dataset.user) return;
    sessionStorage.removeItem(DRAFT);
    const guard = guarded.find(() => draft.page === location.pathname && Date.now() - draft.at < HOUR);
    if (!guard || "unsaved" in guard.form.dataset) return;
    let missing = draft.values;
    const put = () => {
      missing = missing.filter(({ name, value, on }) => {
        const same = fields(guard.form).filter((element) => element.name === name);
        const element = on === null ? same[0] : same.find((one) => one.value === value);
        if (!element) return true;
        if (on === null) element.value = value;
        else element.checked = on;
        element.dispatchEvent(new Event("input", { bubbles: true }));
        if (element.matches("select")) element.dispatchEvent(new Event("change", { bubbles: true }));
        return false;
      });
    };
    put();
    // The fields of the chosen type follow.
    document.addEventListener("htmx:after:swap", () => { if (missing.length) put(); });
    guard.saved = null;
    document.dispatchEvent(new CustomEvent("belfry:toast", { detail: { kind: "info", text: belfry.texts.restored } }));
  }
  restoreDraft();
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
