/**
 * Enhance a bare composer: the site's fields, validation, preview, drafts, sending and error texts.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 */

import css from "./style.css";
import { uuid } from "../../uuid";

/** @type {("name" | "email" | "website")[]} */
const FIELDS = ["name", "email", "website"];

/**
 * Enhance a composer.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @param {HTMLElement} element a label with a text area, and a button
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
  const text = /** @type {HTMLTextAreaElement} */ (element.querySelector("textarea"));
  const send = /** @type {HTMLElement} */ (element.lastElementChild);
  const error = h("p", { id: newId(), class: "error", role: "alert" });
  const actions = h("div", { class: "actions" });
  const { verb, draft, onSubmit, cancel } = options;
  const isEdit = draft === undefined;
  const draftKey = `${story.code} ${draft}`;
  context.style(css);
  /** @type {Map<string, HTMLInputElement | HTMLTextAreaElement>} */
  const inputs = new Map([["body", text]]);
  const fieldset = h("div", { class: "fields" });
  text.required = true;
  const counter = h("p", { class: "secondary" });
  const previewBox = h("div", { class: "comment-text", dir: "auto", hidden: true });
  element.append(counter, previewBox, fieldset, error, actions);
  actions.append(send);
  set(text, "aria-describedby", error.id);
  let drawnSettings = "";
  let busy = false;

  /** Create the fields that the site's settings require. */
  function drawFields() {
    const { settings } = story.state;
    if (isEdit || !settings) return;
    const now = JSON.stringify([settings, FIELDS]);
    if (drawnSettings === now) return;
    drawnSettings = now;
    fieldset.replaceChildren();
    for (const name of FIELDS) {
      inputs.delete(name);
      if (settings[name] === "off") continue;
      const required = settings[name] === "required";
      const id = newId();
      const label = t(name);
      const input = h("input", {
        id,
        type: { name: "text", email: "email", website: "url" }[name],
        autocomplete: name === "website" ? "url" : name,
        required,
        dir: "auto",
      });
      if (name === "name") input.value = story.storage().name ?? "";
      inputs.set(name, input);
      fieldset.append(
        h(
          "div",
          null,
          h("label", { for: id }, required ? t("required", { label }) : label),
          input,
        ),
      );
    }
    const rules = safeUrl(settings.guidelines);
    if (rules) {
      fieldset.append(h("a", { href: rules, target: "_blank", rel: "noopener" }, t("rules")));
    }
  }

  /** Show an error at a field and focus it. @param {HTMLElement} input @param {string} message */
  function showFieldError(input, message) {
    set(input, "aria-invalid", "true");
    set(input, "aria-describedby", error.id);
    error.textContent = message;
    input.focus();
  }

  async function post() {
    if (busy) return;
    error.textContent = "";
    drawFields();
    /** @type {Record<string, string>} */
    const fields = {};
    for (const [name, input] of inputs) {
      set(input, "aria-invalid", null);
      const value = input.value.trim();
      if (input.required && !value) {
        return showFieldError(input, t(name === "body" ? "empty" : "missing"));
      }
      if (value) fields[name] = value;
    }
    const body = fields.body ?? "";
    const n = -charactersLeft();
    if (n > 0) return showFieldError(text, t("long", { n }));
    if (!isEdit) {
      // The same text keeps its idempotency key, also after a reload: sent again, it is the same comment.
      const { last } = story.storage();
      const same = last?.place === draftKey && last.body === body;
      fields.key = same ? last.key : uuid();
      story.saveToStorage({ last: { place: draftKey, body, key: fields.key } });
    }
    setBusy(true);
    try {
      await onSubmit(fields);
      text.value = "";
      if (!isEdit) story.saveToStorage({ last: undefined });
      onInput();
    } catch (problem) {
      showFieldError(text, explain(problem));
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
    counter.textContent = n >= 0 && n < 300 ? t("left", { n }) : "";
    if (!previewBox.hidden) renderPreview();
    if (isEdit) return;
    const { [draftKey]: oldDraft, ...drafts } = story.storage().drafts ?? {};
    if (text.value) drafts[draftKey] = text.value;
    else if (oldDraft === undefined) return;
    story.saveToStorage({ drafts: Object.keys(drafts)[0] ? drafts : undefined });
  }

  async function renderPreview() {
    try {
      previewBox.replaceChildren(...renderText((await context.part("preview"))(text.value)));
    } catch (problem) {
      previewBox.textContent = explain(problem);
    }
  }

  const previewButton = button(t("preview"), () => {
    previewBox.hidden = !previewBox.hidden;
    set(previewButton, "aria-pressed", String(!previewBox.hidden));
    if (!previewBox.hidden) renderPreview();
  });
  set(previewButton, "aria-pressed", "false");
  actions.append(previewButton);
  text.oninput = onInput;
  if (!isEdit && !text.value) text.value = story.storage().drafts?.[draftKey] ?? "";
  // Save text typed before this part was loaded.
  onInput();
  if (cancel) {
    actions.append(
      button(t("cancel"), () => {
        text.value = "";
        onInput();
        cancel();
      }),
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
  return { text, post };
}
