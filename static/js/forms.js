// Forms: one submission at a time, and a question before a page with unsaved changes is left.
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
  addEventListener("beforeunload", (event) => {
    if (guarded.some(({ form, saved }) => !submitting.has(form) && state(form) !== saved)) event.preventDefault();
  });
})();
