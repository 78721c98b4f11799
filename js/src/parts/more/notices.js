/**
 * Notices: the publisher's line to all readers, and the reason why readers cannot write.
 *
 * @import {MorePart, ViewContext, Shared} from "../../part-api"
 */
import { logOnce } from "../../csp.js";
import { isDebug } from "./error-details.js";

/** Matches the beginning of a correction, in the languages of the embed: “Correction, 12 May:”. */
const CORRECTION = /^\W*(corr|korr|kore|berichtig|erratum|rectif|rettif|sprost|fe de err|訂正|تصحيح|تصويب)/i;
/** The beginning of a notice up to its colon is printed in bold. */
const LEAD = /^.{1,40}?[:：]/su;

/**
 * Return the function that draws the notices.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {MorePart["drawNotices"]} `notice` holds the publisher's line as plain text
 */
export function createNotices({ story, t, emit }, { h }) {
  /** Texts and values that were drawn or logged last. @type {Record<string, string | null | undefined>} */
  let drawn = {};

  return (notice, reason) => {
    const { story: facts, read_only, identity, lapsed } = story.state;
    const text = facts?.notice ?? "";
    if (text !== drawn.text) {
      const [lead = ""] = LEAD.exec(text) ?? [];
      notice.replaceChildren(...(text ? [h("b", null, lead), text.slice(lead.length)] : []));
      notice.dir = "auto";
      notice.className = "notice " + (CORRECTION.test(text) ? "correction icon-pen" : "icon-alert");
    }
    const cause = read_only ? t("readonly", { why: t(read_only, { origin }) }) : "";
    const own = `${story.server}/s/${story.code}`;
    const debug = isDebug() ? [lapsed && `${t(lapsed)} ${t("lapsed")}`, identity && `${t("unsigned")} (${identity})`] : [];
    const now = [cause || (facts?.closed ? t("closed") : ""), ...debug].filter(Boolean).join(" ");
    if (now !== drawn.reason) {
      const composer = /** @type {HTMLElement} */ (reason.nextElementSibling);
      // As high as the composer whose place it takes, so that nothing moves.
      reason["style"].minBlockSize = cause && composer.offsetHeight + "px";
      if (reason.textContent !== now) reason.textContent = now;
      if (cause && read_only !== "banned" && !location.href.startsWith(own)) {
        reason.append(" ", h("a", { href: own, target: parent === window ? null : "_blank" }, t("ownPage")));
      }
      reason.className = "notice icon-" + (cause ? "lock" : facts?.closed ? "moon" : "alert");
    }
    // An invalid token is replaced by the story's code, which is logged below.
    if (read_only && !/token_invalid/.test(read_only)) logOnce(cause);
    if (lapsed) logOnce(`${t(lapsed)} ${t("lapsed")}`);
    if (identity && identity !== drawn.identity) {
      logOnce(`${t("unsigned")} (${identity})`);
      emit("identity", identity);
    }
    drawn = { text, reason: now, identity };
  };
}
