/**
 * Reactions to the story: toggle buttons with a constant name, in the server's order.
 *
 * @import {State} from "../types"
 */
import { button, h, set, setText } from "../dom.js";
import { reactionIcon } from "./reaction-icon.js";
import { selectedReaction, counts, isAllowed, sum } from "../state.js";

/**
 * Create the row of reactions.
 *
 * @param {import("../part-api").ViewContext} context
 * @param {string} labelledBy id of the prompt
 */
export function reactionBar({ story, t, explain, emit, part }, labelledBy) {
  const error = h("p", { class: "error", role: "alert" });
  const total = h("p", { class: "secondary" });
  const group = h("div", {
    role: "group",
    class: "reactions",
    part: "reactions",
    "aria-labelledby": labelledBy,
  });
  let offered = "";
  let rejected = "";
  /** @type {((max: number) => string | false)[]} */
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
          const { key, label } = reaction;
          const name = t("=" + label, undefined, label);
          const count = h("span");
          const element = button("", () => press(key), { class: "reaction", part: "reaction" });
          const face = reactionIcon(reaction);
          element.append(face, h("span", { class: "label", part: "label" }, name + " "), count);
          /** @type {number | undefined} */
          let last;
          updates.push((max) => {
            const { state } = story;
            const n = counts(state)[key] ?? 0;
            setText(count, t("number", { n }));
            set(element, "aria-pressed", String(key === selectedReaction(state)));
            set(element, "aria-disabled", !isAllowed(state, "react") && "true");
            // Reactions of other readers are animated, not announced.
            const more = n - (last ?? n);
            if (more > 0) part("live").then((live) => live.burst(face, more), () => {});
            last = n;
            return n > 0 && n === max && name;
          });
          return element;
        }),
      );
    }
    setText(error, state.optimistic && state.late ? t("unsure") : rejected);
    const now = counts(state);
    const n = sum(now);
    const leading = updates.map((update) => update(Math.max(...Object.values(now)))).filter(Boolean);
    setText(total, n ? t("total", { n, name: leading.join(", ") }) : "");
  }

  return { element: h("div", null, group, total, error), draw };
}
