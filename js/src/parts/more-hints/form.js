/**
 * The form “Report an error in the story”: the passage, the reader's words, and the name for the thanks.
 *
 * What is typed is kept as a draft in the reader's browser until the server has it.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 */

/** Most characters of each field: the server's limits. */
const LIMITS = { passage: 300, text: 1_000, credit: 100 };
/** Reports of one reader that may wait at a time, for each story. */
const MAX_OPEN = 3;

/**
 * Return the function that opens the form before an element, or closes it.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @param {Element} place
 * @returns {(opener: HTMLElement) => void}
 */
export function createForm(context, { h, set, button, newId }, place) {
  const { story, t, tell, explain } = context;
  const key = story.code + " error";
  /** @type {(() => void) | undefined} */
  let close;

  /** Store what is typed, or without values forget it. @param {Record<string, string>} [values] */
  function keep(values) {
    const { [key]: _, ...others } = story.storage().drafts ?? {};
    const drafts = values ? { ...others, [key]: JSON.stringify(values) } : others;
    story.saveToStorage({ drafts: Object.keys(drafts)[0] ? drafts : undefined });
  }

  /** Return what was typed before; without words, the passage is what the reader has selected in the page. */
  function start() {
    const draft = JSON.parse(story.storage().drafts?.[key] ?? "{}");
    const selected = (context.selected ?? "").replace(/\s+/g, " ").trim();
    return draft.text || !selected ? draft : { ...draft, passage: [...selected].slice(0, LIMITS.passage).join("") };
  }

  /** @param {HTMLElement} opener */
  return function toggle(opener) {
    if (close) return close();
    const id = newId();
    const values = start();
    const error = h("p", { class: "error", role: "alert", id: id + "error" });
    /** @type {Record<string, HTMLInputElement | HTMLTextAreaElement>} */
    const fields = {};
    let busy = false;

    /** Create a field with its label. @param {keyof typeof LIMITS} name @param {string} label @param {"input" | "textarea"} tag @param {Record<string, any>} [more] */
    function field(name, label, tag, more) {
      const element = h(/** @type {"textarea"} */ (tag), {
        id: id + name,
        maxlength: LIMITS[name],
        dir: "auto",
        // Without one, an empty field is written from the left in every language.
        placeholder: " ",
        oninput: () => {
          keep(entered());
          fail("");
        },
        ...more,
      });
      element.value = values[name] ?? "";
      fields[name] = element;
      return [h("label", { for: element.id }, t(label)), element];
    }

    const entered = () => Object.fromEntries(Object.entries(fields).map(([name, { value }]) => [name, value]));

    /** Say why the report is not sent. @param {string} why @param {boolean} [words] whether words are missing */
    function fail(why, words) {
      error.textContent = why;
      set(text, "aria-invalid", words && "true");
    }

    async function send() {
      if (busy) return;
      const words = Object.fromEntries(Object.entries(entered()).map(([name, value]) => [name, value.trim() || undefined]));
      const waiting = story.state.mine.hints?.filter(({ state }) => state === "open") ?? [];
      if (!words.text) {
        fail(t("e_empty"), true);
        return text.focus();
      }
      if (waiting.length >= MAX_OPEN) return fail(t("e_full"));
      busy = true;
      submit.textContent = t("e_sending");
      try {
        if (!navigator.onLine) throw { code: "offline" };
        const { hint } = await story.mutate({ type: "hint", ...words });
        const { mine } = story.state;
        keep();
        if (hint) story.set({ mine: { ...mine, hints: [hint, ...(mine.hints ?? []).filter((each) => each.id !== hint.id)] } });
        close?.();
        tell(t("e_sent"), true);
      } catch (problem) {
        fail(story.isTemporary(/** @type {any} */ (problem)) ? t("e_unsent") : explain(problem));
      }
      busy = false;
      submit.textContent = t("e_send");
    }

    const submit = button(t("e_send"), send, { class: "primary" });
    const passage = field("passage", "e_passage", "textarea", { rows: 2 });
    const words = field("text", "e_text", "textarea", { rows: 4, "aria-describedby": error.id });
    const text = /** @type {HTMLElement} */ (words[1]);
    const panel = h(
      "div",
      { class: "panel", role: "group", "aria-labelledby": id, onkeydown: (/** @type {KeyboardEvent} */ { key }) => key === "Escape" && close?.() },
      h("b", { id }, t("flaw")),
      h("p", { class: "small" }, t("e_who")),
      ...passage,
      ...words,
      ...field("credit", "e_name", "input", { autocomplete: "name" }),
      error,
      h("div", { class: "row" }, submit, button(t("cancel"), () => close?.(), { class: "outline" })),
    );
    close = () => {
      close = undefined;
      set(opener, "aria-expanded", "false");
      opener.focus();
      panel.remove();
    };
    set(opener, "aria-expanded", "true");
    place.before(panel);
    (values.passage || values.text ? text : /** @type {HTMLElement} */ (passage[1])).focus();
  };
}
