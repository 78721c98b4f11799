/**
 * Errors that prevent the discussion. Readers see the link; cause and remedy for the page's owner are logged to the console, and
 * shown on the page if its address has `?story-widget=debug`.
 *
 * @import {Shared} from "../../part-api"
 * @import {DisplayError} from "../../types"
 * @import {Translate} from "../../i18n"
 */
import { logOnce, missingCspSource } from "../../csp.js";

/** Whether the page's address asks for error details on the page. */
export const isDebug = () => /[?&]story-widget=debug(&|$)/.test(location.search);

/**
 * Log an error, and show it in debug mode.
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
  /** @param {string} cause */
  const show = (cause) => {
    if (!isDebug()) return;
    note.hidden = false;
    const box = h("div", { class: "notice" }, h("b", null, t(unavailable ? code : "refused")), ` ${cause} ${t("owner")}`);
    box["style"].setProperty("padding-inline-start", "16px");
    note.replaceChildren(box);
  };
  // If the server closed the socket, `detail` is its reason.
  let cause = code === "refused" ? detail : t(unavailable ? "unreachable" : code, { server, origin }, detail);
  show(cause);
  const directive = unavailable && (await missingCspSource(server));
  if (directive) {
    show((cause = t("policy", { line: directive })));
    stop?.();
  }
  logOnce(cause);
}
