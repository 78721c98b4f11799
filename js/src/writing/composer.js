/**
 * A shell that works: fields the site asks for, checks, sending, and what went wrong in words.
 *
 * @import {Frame, Shell, Tools} from "../desk"
 */

/** @type {("name" | "email" | "website")[]} */
const FIELDS = ["name", "email", "website"];

/**
 * @param {Frame} frame
 * @param {Tools} tools
 * @param {Shell} shell
 * @param {{verb: string, change?: boolean, deliver: (fields: Record<string, string>) => Promise<unknown>, cancel?: () => void}} options
 *   `deliver` rejects with a refusal to show; a `change` asks for nothing but the text
 */
export function equip({ story, say, explain }, { h, set, newId, safe, button }, shell, options) {
  const { text, error, send, element, acts } = shell;
  const { verb, change, deliver, cancel } = options;
  /** @type {Map<string, HTMLInputElement | HTMLTextAreaElement>} */
  const inputs = new Map([["body", text]]);
  const extra = h("div", { class: "fields" });
  text.required = true;
  text.after(extra);
  let asked = "";
  let busy = false;
  /** The same text sent again is the same comment. */
  let last = { body: "", key: "" };

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
      const label = say(name);
      const input = h("input", {
        id,
        type: { name: "text", email: "email", website: "url" }[name],
        autocomplete: name === "website" ? "url" : name,
        required,
        dir: "auto",
      });
      if (name === "name") input.value = story.memory().name ?? "";
      inputs.set(name, input);
      extra.append(
        h(
          "div",
          null,
          h("label", { for: id }, required ? say("required", { label }) : label),
          input,
        ),
      );
    }
    const rules = safe(settings.guidelines);
    if (rules) {
      extra.append(h("a", { href: rules, target: "_blank", rel: "noopener" }, say("rules")));
    }
  }

  /** @param {HTMLElement} input @param {string} why */
  function complain(input, why) {
    set(input, "aria-invalid", "true");
    set(input, "aria-describedby", error.id);
    error.textContent = why;
    input.focus();
  }

  shell.post = async () => {
    if (busy) return;
    error.textContent = "";
    ask();
    /** @type {Record<string, string>} */
    const fields = {};
    for (const [name, input] of inputs) {
      set(input, "aria-invalid", null);
      const value = input.value.trim();
      if (input.required && !value) {
        return complain(input, say(name === "body" ? "empty" : "missing"));
      }
      if (value) fields[name] = value;
    }
    const body = fields.body ?? "";
    const n = [...body].length - (story.state.settings?.max_length ?? Infinity);
    if (n > 0) return complain(text, say("long", { n }));
    if (!change) {
      if (last.body !== body) last = { body, key: uuid() };
      fields.key = last.key;
    }
    wait(true);
    try {
      await deliver(fields);
      text.value = last.body = "";
    } catch (problem) {
      complain(text, explain(problem));
    }
    wait(false);
  };

  /** @param {boolean} is */
  function wait(is) {
    busy = is;
    set(send, "aria-disabled", is && "true");
    send.textContent = is ? say("posting") : verb;
  }

  if (cancel) acts.append(button(say("cancel"), cancel));
  element.addEventListener("focusin", ask);
  element.addEventListener("keydown", (event) => {
    const { key, ctrlKey, metaKey, isComposing } = event;
    if (isComposing) return;
    if (key === "Enter" && (ctrlKey || metaKey)) {
      event.preventDefault();
      shell.post();
    } else if (key === "Escape" && cancel) {
      event.stopPropagation();
      cancel();
    }
  });
  ask();
}

/** A random UUID, also in pages without a secure context. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (Number(bytes[6]) & 15) | 64;
  bytes[8] = (Number(bytes[8]) & 63) | 128;
  return [...bytes]
    .map((byte, i) => ([4, 6, 8, 10].includes(i) ? "-" : "") + byte.toString(16).padStart(2, "0"))
    .join("");
}
