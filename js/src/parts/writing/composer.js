/**
 * Enhance a bare composer: tabs for text and preview, the site's fields, validation, drafts, sending and error texts.
 * Its height stays the same, so that nothing moves when the reader focuses it or makes a mistake.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 */

import css from "./style.css";

/** The two short fields first: on a phone they share a row. @type {("name" | "website" | "email")[]} */
const FIELDS = ["name", "website", "email"];

/** The number of characters left is shown below this. */
const SHOW_LEFT = 200;

/** A wait is given in minutes from this number of seconds on. */
const MINUTES_FROM = 90;

/**
 * Enhance a composer.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @param {HTMLElement} element tabs with a label, a text area, and a footer that ends with a button
 * @param {{
 *   verb: string,
 *   draft: string | undefined,
 *   onSubmit: (fields: Record<string, string>) => Promise<unknown>,
 *   cancel?: () => void,
 * }} options
 *   `onSubmit` rejects with an error to show. `draft` is the id of the parent comment, "" for a top-level comment, and
 *   undefined for an edit, which has only the text
 */
export function enhanceComposer(context, { h, set, newId, safeUrl, button, renderText }, element, options) {
  const { story, t, explain } = context;
  const { verb, draft, onSubmit, cancel } = options;
  const [head, text, footer] = /** @type {[HTMLElement, HTMLTextAreaElement, HTMLElement]} */ (
    /** @type {unknown} */ ([...element.children])
  );
  const label = head.textContent ?? "";
  const send = /** @type {HTMLElement} */ (footer.lastElementChild);
  const error = h("p", { id: newId(), class: "error icon-alert", role: "alert" });
  const isEdit = draft === undefined;
  const draftKey = `${story.code} ${draft}`;
  /** @type {Map<string, HTMLInputElement | HTMLTextAreaElement>} */
  const inputs = new Map([["body", text]]);
  /** Elements of the footer that depend on the settings; at first the line for all readers. */
  let extras = [...footer.children].slice(0, -1);
  const [line = ""] = extras;
  const counter = h("span");
  const preview = h("div", {
    id: newId(),
    class: "comment-text preview",
    role: "tabpanel",
    "aria-label": t("preview"),
    tabindex: 0,
    dir: "auto",
    hidden: true,
  });
  let drawnSettings = "";
  let busy = false;
  /** Timer until the reader may post again. */
  let waiting = 0;

  const tabs = [text, preview].map((panel, i) =>
    button(
      i ? t("preview") : label,
      () => {
        select(i);
        if (!i) text.focus();
      },
      { class: "action", role: "tab", "aria-controls": panel.id },
    ),
  );

  /** Show the text (0) or its preview (1). @param {number} index */
  function select(index) {
    if (index && preview.hidden) {
      preview["style"].minBlockSize = text.offsetHeight + "px";
      renderPreview();
    }
    text.hidden = !!index;
    preview.hidden = !index;
    tabs.forEach((tab, i) => {
      set(tab, "aria-selected", String(i === index));
      set(tab, "tabindex", i === index ? 0 : -1);
    });
  }

  /** Move between the tabs. @param {KeyboardEvent} event */
  function onTabKey(event) {
    const other = Number(preview.hidden);
    const index = { ArrowLeft: other, ArrowRight: other, Home: 0, End: 1 }[event.key];
    if (index === undefined) return;
    event.preventDefault();
    select(index);
    tabs[index]?.focus();
  }

  /** Create the fields that the site's settings require. */
  function drawFields() {
    const { settings } = story.state;
    if (isEdit || !settings) return;
    const now = JSON.stringify(settings);
    if (drawnSettings === now) return;
    drawnSettings = now;
    for (const each of extras) each.remove();
    extras = [];
    for (const name of FIELDS) {
      const old = inputs.get(name);
      inputs.delete(name);
      if (settings[name] === "off") continue;
      const required = settings[name] === "required";
      const word = t(name);
      const id = newId();
      const input = h("input", {
        id,
        type: { name: "text", email: "email", website: "url" }[name],
        autocomplete: name === "website" ? "url" : name,
        placeholder: name === "name" && !required && t("anonymous"),
        required,
        dir: "auto",
      });
      input.value = old?.value ?? (name === "name" ? (story.storage().name ?? "") : "");
      inputs.set(name, input);
      // The label does not contain the field: WebKit would append the placeholder to its name.
      const label = h("label", { for: id, class: "small" }, required ? t("required", { label: word }) : word);
      extras.push(h("div", { class: "field " + name }, label, input));
    }
    footer.classList.toggle("dense", !!extras[1]);
    if (!extras[0] && line) extras.push(line);
    const { guidelines, guidelines_text, guidelines_texts, comment_licence } = settings;
    const rules = safeUrl(guidelines);
    const own = guidelines_texts?.[t("lang")] ?? guidelines_text;
    const name = own ? rules.replace(/^https?:../, "") : t("rules");
    const link = rules && h("a", { class: "action", href: rules, target: "_blank", rel: "noopener" }, name);
    if (own) {
      const text = h("div", { class: "comment-text", dir: "auto" }, ...renderText(own), link);
      extras.push(h("details", { class: "rules" }, h("summary", { class: "action icon-down" }, t("rules")), text));
    } else if (link) extras.push(link);
    if (comment_licence) extras.push(h("p", { class: "small secondary" }, t("licence", { name: comment_licence })));
    footer.prepend(...extras);
  }

  function clearError() {
    clearTimeout(waiting);
    waiting = 0;
    error.remove();
    element.classList.remove("invalid");
    for (const input of inputs.values()) {
      set(input, "aria-invalid", null);
      set(input, "aria-describedby", null);
    }
  }

  /** Show an error at a field and focus it. @param {HTMLElement} input @param {string} message */
  function showError(input, message) {
    clearError();
    select(0);
    set(input, "aria-invalid", "true");
    set(input, "aria-describedby", error.id);
    element.classList.add("invalid");
    error.textContent = message;
    footer.before(error);
    input.focus();
  }

  /** Show why the comment was not posted. @param {any} problem */
  function showProblem(problem) {
    const { code, retry_after: seconds } = problem;
    if (code !== "rate_limited" || !seconds) return showError(text, explain(problem));
    const wait = new Intl.RelativeTimeFormat(t("lang"));
    const when =
      seconds < MINUTES_FROM ? wait.format(seconds, "second") : wait.format(Math.ceil(seconds / 60), "minute");
    showError(text, t("wait", { when }));
    waiting = setTimeout(clearError, seconds * 1_000);
  }

  async function post() {
    if (busy) return;
    clearError();
    drawFields();
    /** @type {Record<string, string>} */
    const fields = {};
    for (const [name, input] of inputs) {
      const value = input.value.trim();
      if (input.required && !value) {
        return showError(input, t(name === "body" ? "empty" : "missing_" + name));
      }
      if (value) fields[name] = value;
    }
    const n = -charactersLeft();
    if (n > 0) return showError(text, t("long", { n }));
    setBusy(true);
    try {
      await onSubmit(fields);
      select(0);
      fill("");
    } catch (problem) {
      showProblem(problem);
    }
    setBusy(false);
  }

  /** @param {boolean} value */
  function setBusy(value) {
    busy = value;
    set(send, "aria-disabled", value && "true");
    send.textContent = value ? t("posting") : verb;
  }

  /** Return how many characters may still be written; below 0 if the text is too long. */
  const charactersLeft = () => (story.state.settings?.max_length ?? Infinity) - [...text.value.trim()].length;

  function onInput() {
    const n = charactersLeft();
    counter.textContent = n < SHOW_LEFT ? t("left", { n }) : "";
    set(counter, "class", "counter small " + (n < 0 ? "over" : "secondary"));
    send.classList.toggle("filled", !!text.value.trim());
    if (!waiting) clearError();
    if (!grows) {
      text["style"].blockSize = "auto";
      text["style"].blockSize = text.scrollHeight + "px";
    }
    if (isEdit) return;
    const { [draftKey]: oldDraft, ...drafts } = story.storage().drafts ?? {};
    if (text.value) drafts[draftKey] = text.value;
    else if (oldDraft === undefined) return;
    story.saveToStorage({ drafts: Object.keys(drafts)[0] ? drafts : undefined });
  }

  /** Replace the text. @param {string} value */
  function fill(value) {
    text.value = value;
    onInput();
  }

  async function renderPreview() {
    try {
      const render = await context.part("preview");
      preview.replaceChildren(
        ...(text.value.trim() ? renderText(render(text.value)) : [h("p", { class: "secondary" }, t("nothingWritten"))]),
      );
    } catch (problem) {
      preview.textContent = explain(problem);
    }
  }

  context.style(css);
  // Of the empty text area: the height stays after text typed before this part was loaded is posted.
  const grows = CSS.supports("field-sizing", "content");
  text["style"].blockSize = grows ? "0px" : "";
  element["style"].minBlockSize = element.getBoundingClientRect().height + "px";
  text["style"].blockSize = "";
  element.classList.add("active");
  text.required = true;
  text.rows = 1;
  set(text, "aria-label", label);
  text.after(preview);
  head.replaceChildren(
    h("div", { class: "row", role: "tablist", "aria-label": label, onkeydown: onTabKey }, ...tabs),
    h("span", { class: "hint small secondary" }, t("hint")),
  );
  send.before(counter);
  text.oninput = onInput;
  if (cancel) {
    send.before(
      button(
        t("cancel"),
        () => {
          fill("");
          cancel();
        },
        { class: "action" },
      ),
    );
  }
  element.addEventListener("focusin", drawFields);
  element.addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, isComposing } = event;
    if (isComposing) return;
    if (key === "Enter" && (ctrlKey || metaKey)) {
      event.preventDefault();
      post();
    } else if (key === "Escape" && cancel) {
      event.stopPropagation();
      cancel();
    }
  });
  drawFields();
  select(0);
  // Save text typed before this part was loaded.
  fill(text.value || (!isEdit && story.storage().drafts?.[draftKey]) || "");
  return { text, post, fill };
}
