/**
 * Errors that prevent the discussion: a sentence for readers, cause and remedy for the page's owner, also in the console.
 *
 * @import {Shared} from "../../part-api"
 * @import {DisplayError} from "../../types"
 * @import {Translate} from "../../i18n"
 */
import { logOnce, missingCspSource } from "../../csp.js";

/**
 * Show an error in place of the discussion.
 *
 * @param {HTMLElement} note
 * @param {DisplayError} error
 * @param {Translate} t
 * @param {string} server
 * @param {Shared} tools
 * @param {(() => void) | null} stop called if only a reload of the page can help
 */
export async function showErrorDetails(note, { code, detail = "" }, t, server, { h }, stop) {
  const unavailable = code === "unavailable";
  // If the server closed the socket, `detail` is its reason.
  const cause = code === "refused" ? detail : t(unavailable ? "unreachable" : code, { server, origin }, detail);
  const text = h("p", null, cause);
  if (!unavailable) note.textContent = t("refused", { why: "" });
  note.append(h("details", null, h("summary", null, t("owner")), text));
  const directive = unavailable && (await missingCspSource(server));
  if (directive) {
    text.textContent = t("policy", { line: directive });
    stop?.();
  }
  logOnce(directive ? t("policy", { line: directive }) : cause);
}
