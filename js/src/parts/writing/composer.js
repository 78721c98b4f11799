/**
 * A composer that works: fields the site asks for, checks, sending, and what went wrong in words.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 */

import css from "./style.css";
import { uuid } from "../../uuid";

/** @type {("name" | "email" | "website")[]} */
const FIELDS = ["name", "email", "website"];

/**
 * @param {ViewContext} frame
 * @param {Shared} tools
 * @param {HTMLElement} element a label with a text area, and a button
 * @param {{
 *   verb: string,
 *   draft: string | undefined,
 *   onSubmit: (fields: Record<string, string>) => Promise<unknown>,
 *   cancel?: () => void,
 * }} options
 *   `deliver` rejects with a refusal to show; `draft` is the comment that is answered, or "". A change has none, and
 *   asks for nothing but the text
 */
export function enhanceComposer(frame, { h, set, newId, safeUrl, button, renderText }, element, options) {
  const { story, t, explain } = frame;
  const text = /** @type {HTMLTextAreaElement} */ (element.querySelector("textarea"));
  const send = /** @type {HTMLElement} */ (element.lastElementChild);
  const error = h("p", { id: newId(), class: "error", role: "alert" });
  const acts = h("div", { class: "actions" });
  const { verb, draft, onSubmit, cancel } = options;
  const change = draft === undefined;
  const place = `${story.code} ${draft}`;
  frame.style(css);
  /** @type {Map<string, HTMLInputElement | HTMLTextAreaElement>} */
  const inputs = new Map([["body", text]]);
  const extra = h("div", { class: "fields" });
  text.required = true;
  const left = h("p", { class: "secondary" });
  const shown = h("div", { class: "comment-text", dir: "auto", hidden: true });
  element.append(left, shown, extra, error, acts);
  acts.append(send);
  set(text, "aria-describedby", error.id);
  let asked = "";
  let busy = false;

  function ask() {
    const { settings } = story.state;
    if (change || !settings) return;
    const now = JSON.stringify([settings, FIELDS]);
    if (asked === now) return;
    asked = now;
    extra.replaceChildren();
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
      extra.append(
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
      extra.append(h("a", { href: rules, target: "_blank", rel: "noopener" }, t("rules")));
    }
  }

  /** @param {HTMLElement} input @param {string} why */
  function showFieldError(input, why) {
    set(input, "aria-invalid", "true");
    set(input, "aria-describedby", error.id);
    error.textContent = why;
    input.focus();
  }

  async function post() {
    if (busy) return;
    error.textContent = "";
    ask();
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
    if (!change) {
      // The same text sent again is the same comment, also after the page was loaded anew.
      const { last } = story.storage();
      const same = last?.place === place && last.body === body;
      fields.key = same ? last.key : uuid();
      story.saveToStorage({ last: { place, body, key: fields.key } });
    }
    wait(true);
    try {
      await onSubmit(fields);
      text.value = "";
      if (!change) story.saveToStorage({ last: undefined });
      typed();
    } catch (problem) {
      showFieldError(text, explain(problem));
    }
    wait(false);
  }

  /** @param {boolean} is */
  function wait(is) {
    busy = is;
    set(send, "aria-disabled", is && "true");
    send.textContent = is ? t("posting") : verb;
  }

  /** How many characters may still be written. */
  const charactersLeft = () => (story.state.settings?.max_length ?? Infinity) - [...text.value.trim()].length;

  function typed() {
    const n = charactersLeft();
    left.textContent = n >= 0 && n < 300 ? t("left", { n }) : "";
    if (!shown.hidden) renderPreview();
    if (change) return;
    const { [place]: _, ...drafts } = story.storage().drafts ?? {};
    if (text.value) drafts[place] = text.value;
    else if (_ === undefined) return;
    story.saveToStorage({ drafts: Object.keys(drafts)[0] ? drafts : undefined });
  }

  async function renderPreview() {
    try {
      shown.replaceChildren(...renderText((await frame.part("preview"))(text.value)));
    } catch (problem) {
      shown.textContent = explain(problem);
    }
  }

  const preview = button(t("preview"), () => {
    shown.hidden = !shown.hidden;
    set(preview, "aria-pressed", String(!shown.hidden));
    if (!shown.hidden) renderPreview();
  });
  set(preview, "aria-pressed", "false");
  acts.append(preview);
  text.oninput = typed;
  if (!change && !text.value) text.value = story.storage().drafts?.[place] ?? "";
  // What was typed before this part came is a draft from now on.
  typed();
  if (cancel) {
    acts.append(
      button(t("cancel"), () => {
        text.value = "";
        typed();
        cancel();
      }),
    );
  }
  element.addEventListener("focusin", ask);
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
  ask();
  return { text, post };
}
