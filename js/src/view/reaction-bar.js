/**
 * Reactions to the story: toggle buttons with a constant name, in the server's order.
 *
 * @import {State} from "../types"
 */
import { button, h, set, setText } from "../dom.js";
import { localText } from "../i18n.js";
import { paintReaction, reactionIcon } from "./reaction-icon.js";
import { selectedReaction, counts, isAllowed, sum } from "../state.js";

/**
 * Create the row of reactions.
 *
 * @param {import("../part-api").ViewContext} context
 * @param {string} labelledBy id of the prompt
 */
export function reactionBar({ story, t, explain, emit }, labelledBy) {
  const error = h("p", { class: "error", role: "alert" });
  const total = h("b");
  const lead = h("span", { class: "leading" });
  const presence = h("p", { class: "small presence end", part: "presence" });
  const group = h("div", {
    role: "group",
    class: "reactions",
    part: "reactions",
    "aria-labelledby": labelledBy,
  });
  let offered = "";
  let rejected = "";
  /** Each draws one button, and returns its name if its reaction leads. @type {((max: number, all: number) => string | false)[]} */
  let updates = [];

  /** @param {string} key */
  async function press(key) {
    if (!isAllowed(story.state, "react")) return;
    rejected = "";
    try {
      await story.react(key);
      emit("react");
    } catch (problem) {
      rejected = explain(problem);
      draw(story.state);
    }
  }

  /** @param {State} state */
  function draw(state) {
    const { reactions } = state.settings;
    const offer = JSON.stringify(reactions);
    if (offer !== offered) {
      offered = offer;
      updates = [];
      group.replaceChildren(
        ...reactions.map((reaction) => {
          const { key } = reaction;
          const name = localText(t, reaction, "label");
          const count = h("b");
          const element = button("", () => press(key), { class: "reaction", part: "reaction" });
          paintReaction(element, reaction);
          element.append(reactionIcon(reaction), h("span", { class: "label", part: "label" }, name + " "), count);
          updates.push((max, all) => {
            const { state } = story;
            const n = counts(state)[key] ?? 0;
            // No noughts: they invite no one to react.
            setText(count, n ? t("", { n }, "{n}") : "");
            element["style"].setProperty("--share", String(n / (all || 1)));
            set(element, "aria-pressed", String(key === selectedReaction(state)));
            set(element, "aria-disabled", !isAllowed(state, "react") && "true");
            return n > 0 && n === max && name;
          });
          return element;
        }),
      );
    }
    setText(error, state.optimistic && state.late ? t("unsure") : rejected);
    const now = counts(state);
    const n = sum(now);
    const leading = updates.map((update) => update(Math.max(...Object.values(now)), n)).filter(Boolean);
    setText(total, n ? t("total", { n }) : "");
    // More than two equal reactions are not named.
    const some = leading[0] && !leading[2];
    setText(lead, some ? t("leading", { n, name: leading.join(", ") }) : !n && isAllowed(state, "react") ? t("first") : "");
    const { readers } = state.presence;
    setText(presence, readers > 1 ? t("reading", { n: readers }) : "");
  }

  return { element: h("div", null, group, h("div", { class: "row" }, h("p", { class: "small" }, total, lead), presence), error), draw };
}
