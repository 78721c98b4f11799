/**
 * Why there is nothing to show: for readers a sentence, for the person who pasted the widget what to do about it, once more
 * in the console.
 *
 * @import {Tools} from "../desk"
 * @import {Trouble} from "../types"
 * @import {Say} from "../words"
 */
import { inform, missing } from "../policy.js";

/**
 * @param {HTMLElement} note
 * @param {Trouble} trouble
 * @param {Say} say
 * @param {string} server
 * @param {Tools} tools
 * @param {(() => void) | null} stop for what will not change until the page is loaded anew
 */
export async function why(note, { code, detail = "" }, say, server, { h }, stop) {
  const away = code === "unavailable";
  // A socket that was sent away brings the server's own words.
  const what = code === "refused" ? detail : say(away ? "unreachable" : code, { server, origin }, detail);
  const text = h("p", null, what);
  if (!away) note.textContent = say("refused", { why: "" });
  note.append(h("details", null, h("summary", null, say("owner")), text));
  const line = away && (await missing(server));
  if (line) {
    text.textContent = say("policy", { line });
    stop?.();
  }
  inform(line ? say("policy", { line }) : what);
}
