/**
 * Why there is nothing to show: for readers a sentence, for the person who pasted the widget what to do about it, once more
 * in the console.
 *
 * @import {Shared} from "../../part-api"
 * @import {DisplayError} from "../../types"
 * @import {Translate} from "../../i18n"
 */
import { logOnce, missingCspSource } from "../../csp.js";

/**
 * @param {HTMLElement} note
 * @param {DisplayError} trouble
 * @param {Translate} t
 * @param {string} server
 * @param {Shared} tools
 * @param {(() => void) | null} stop for what will not change until the page is loaded anew
 */
export async function showErrorDetails(note, { code, detail = "" }, t, server, { h }, stop) {
  const away = code === "unavailable";
  // A socket that was sent away brings the server's own words.
  const what = code === "refused" ? detail : t(away ? "unreachable" : code, { server, origin }, detail);
  const text = h("p", null, what);
  if (!away) note.textContent = t("refused", { showErrorDetails: "" });
  note.append(h("details", null, h("summary", null, t("owner")), text));
  const line = away && (await missingCspSource(server));
  if (line) {
    text.textContent = t("policy", { line });
    stop?.();
  }
  logOnce(line ? t("policy", { line }) : what);
}
