/**
 * Why there is nothing to show: for readers a sentence, for the person who pasted the widget what to do about it, once more
 * in the console.
 *
 * @import {Tools} from "../desk"
 * @import {Trouble} from "../types"
 * @import {Say} from "../words"
 */
import { ifForbidden, inform } from "../live/policy.js";

/**
 * @param {HTMLElement} note
 * @param {Trouble} trouble
 * @param {Say} say
 * @param {string} server
 * @param {Tools} tools
 */
export function why(note, { code, detail = "" }, say, server, { h }) {
  const away = code === "unavailable";
  const what = away ? say("unreachable", { server }) : say("!" + code, undefined, detail || say(code));
  const text = h("p", null, what);
  if (!away) note.textContent = say("refused", { why: "" });
  note.append(h("details", null, h("summary", null, say("owner")), text));
  if (!away) return inform(what);
  ifForbidden(server, (line) => {
    text.textContent = say("policy", { line });
    inform(text.textContent);
  });
}
