/**
 * Lazy part `more-corrections`: what the publisher says afterwards about the story, thanks to the reader who reported the
 * error, and the line of a copy whose text is older than the story's. It draws by itself.
 *
 * The part `navigation` loads it when the story has corrections or the copy is older. Its name contains `more`, so that
 * the first file also loads its strings.
 *
 * @import {ViewContext, CorrectionsPart, Shared} from "../../part-api"
 * @import {Correction, Older, State} from "../../types"
 */
import css from "./style.css";

export { STRINGS } from "./strings.js";

/** Corrections that are shown at once; earlier ones are folded. */
const SHOWN = 3;

/**
 * Create the part for a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {CorrectionsPart}
 */
export function open(context, { h, localText, safeUrl }) {
  const { story, t, list, onRender } = context;
  const widget = /** @type {HTMLElement} */ (list.parentElement);
  // New ones are announced.
  const box = h("div", { class: "corrections", role: "status" });
  const days = new Intl.DateTimeFormat(t("lang"), { dateStyle: "long" });
  const day = (/** @type {string} */ at) => days.format(Date.parse(at));
  const older = h("p", { class: "small older", role: "status", part: "older" });
  /** What the lines and the line of an older copy were drawn from, as JSON. */
  let drawn = "";
  let drawnOlder = "";
  context.style(css);

  /** @param {Correction} correction @param {boolean} yours whether this reader reported the error */
  function line(correction, yours) {
    const { at, kind, passage, credit, withdrawn_at } = correction;
    return h(
      "div",
      { class: "notice", part: "correction" },
      h("b", null, t("k_" + kind, { time: day(at) })),
      " ",
      withdrawn_at
        ? t("k_withdrawn", { time: day(withdrawn_at) })
        : h("span", { dir: "auto" }, correction.texts ? localText(t, /** @type {any} */ (correction), "text") : correction.text),
      ...(credit ? [" ", t("k_thanks", { name: "\u2068" + credit + "\u2069" })] : []),
      ...(passage ? [h("blockquote", { dir: "auto" }, passage)] : []),
      yours && h("p", { class: "yours" }, h("b", null, t("k_yours"))),
    );
  }

  /** Draw or remove the line of an older copy: `changed_at` in milliseconds. @param {Older | null | undefined} now */
  function drawOlder(now) {
    const key = JSON.stringify(now ?? "");
    if (key === drawnOlder) return;
    drawnOlder = key;
    const href = safeUrl(now?.url);
    const target = parent === window ? null : "_blank";
    const link = href && h("a", { href: href + "&lang=" + t("lang"), target, rel: "noopener" }, t("k_changes"));
    older.replaceChildren(...(now?.changed_at && link ? [t("k_older", { time: days.format(now.changed_at) }), " ", link] : []));
  }

  /** @param {State} state */
  function draw({ story: facts, mine, older: now }) {
    const corrections = facts?.corrections ?? [];
    const yours = (mine.hints ?? []).flatMap(({ state, correction }) => (state === "accepted" && correction ? [correction] : []));
    drawOlder(now);
    // Before the reason why readers cannot write: the composer behind it is hidden by its place.
    if (!box.isConnected) widget.querySelector(".bar ~ .notice")?.before(older, box);
    const key = JSON.stringify([corrections, yours]);
    if (key === drawn) return;
    drawn = key;
    const lines = corrections.map((each) => line(each, yours.includes(each.id) && !each.withdrawn_at));
    const earlier = lines.slice(SHOWN);
    const wasOpen = box.querySelector("details")?.open;
    const more = earlier[0] ? [h("details", { open: wasOpen }, h("summary", null, t("k_earlier", { n: earlier.length })), ...earlier)] : [];
    box.replaceChildren(...lines.slice(0, SHOWN), ...more);
  }

  context.onRender = (state) => {
    onRender?.(state);
    draw(state);
  };
  draw(story.state);
  return {};
}
