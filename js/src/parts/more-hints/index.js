/**
 * Lazy part `more-hints`: “Report an error in the story”, and what became of the reader's own error reports (hints).
 *
 * The part `navigation` loads it when the button below the discussion is pressed, and when the reader has reported an
 * error. Its name contains `more`, so that the first file also loads its strings.
 *
 * @import {ViewContext, HintsPart, Shared} from "../../part-api"
 * @import {Hint, State} from "../../types"
 */
import { createForm } from "./form.js";
import { standing } from "./standing.js";
import panelCss from "../panel.css";
import css from "./style.css";

export { STRINGS } from "./strings.js";

/** Characters of a report that name it. */
const EXCERPT = 120;

/**
 * Create the part for a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {HintsPart}
 */
export function open(context, tools) {
  const { story, t, tell, list, onRender } = context;
  const { h } = tools;
  const widget = /** @type {HTMLElement} */ (list.parentElement);
  const lines = h("div", { class: "hints" });
  const dates = new Intl.DateTimeFormat(t("lang"), { dateStyle: "long" });
  /** The lines that are drawn, as JSON. */
  let drawn = "";
  /** The story and the position of the last draw. @type {Pick<State, "story" | "position">} */
  let seen = {};
  /** States of the hints that were drawn, by id. @type {Record<string, string>} */
  let states = {};
  context.style(panelCss);
  context.style(css);

  /** Say what became of a report. @param {Hint} hint */
  const outcome = ({ state, at }) => t("e_" + state, { time: dates.format(Date.parse(at)) });

  /** @param {Hint} hint */
  function line(hint) {
    const { text = "", answer } = hint;
    const short = text.length > EXCERPT ? text.slice(0, EXCERPT) + "…" : text;
    return h(
      "div",
      { class: "small own-hint" },
      h("p", null, outcome(hint)),
      h("p", { class: "secondary", dir: "auto" }, short),
      answer && h("p", null, t("e_answer"), " ", h("span", { dir: "auto" }, answer)),
    );
  }

  /** Ask what became of the reader's hints: the story changes when one of them is answered. */
  function ask() {
    // Not after the reader has erased everything meanwhile: asking would make this browser a reader again.
    story.connection?.actionChain.then(() => {
      if (!story.storage().reader) return;
      story.mutate({ type: "mine" }).then(({ mine }) => story.set({ mine: { ...story.state.mine, hints: mine?.hints } }), () => {});
    });
  }

  /** @param {State} state */
  function draw({ mine, story: facts, position }) {
    const hints = mine.hints ?? [];
    if (hints[0] && seen.story && seen.story !== facts && seen.position?.seq !== position?.seq) ask();
    seen = { story: facts, position };
    const shown = standing(hints, facts?.corrections ?? [], story.now());
    const now = JSON.stringify(shown);
    if (now !== drawn) lines.replaceChildren(...shown.map(line));
    drawn = now;
    // An accepted one is announced with its correction.
    for (const hint of hints) if (states[hint.id] === "open" && hint.state === "declined") tell(outcome(hint));
    states = Object.fromEntries(hints.map(({ id, state }) => [id, state]));
  }

  // Behind the panel “Your data”, which is inserted directly after the row of its button.
  /** @type {Element} */ (widget.lastElementChild).before(lines);
  const toggle = createForm(context, tools, lines);
  context.ownHints = () => {
    const hints = story.state.mine.hints ?? [];
    return hints[0] ? [h("p", { class: "small" }, t("e_own")), ...hints.map(line)] : [];
  };
  context.onRender = (state) => {
    onRender?.(state);
    draw(state);
  };
  draw(story.state);
  return { open: (_what, opener) => toggle(opener) };
}
