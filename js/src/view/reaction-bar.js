/**
 * The reactions: toggle buttons with a constant name, in the order the server gives.
 *
 * @import {State} from "../types"
 */
import { button, h, set, setText } from "../dom.js";
import { reactionIcon } from "./reaction-icon.js";
import { selectedReaction, counts, isAllowed, sum } from "../state.js";

/**
 * @param {import("../part-api").ViewContext} frame
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
  let refused = "";
  /** @type {((most: number) => string | false)[]} */
  let marks = [];

  /** @param {string} key */
  async function press(key) {
    if (!isAllowed(story.state, "react")) return;
    refused = "";
    try {
      await story.react(key);
      emit("react");
    } catch (problem) {
      refused = explain(problem);
      draw(story.state);
    }
  }

  /** @param {State} state */
  function draw(state) {
    const { reactions } = state.settings;
    const offer = JSON.stringify(reactions);
    if (offer !== offered) {
      offered = offer;
      marks = [];
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
          marks.push((most) => {
            const { state } = story;
            const n = counts(state)[key] ?? 0;
            setText(count, t("number", { n }));
            set(element, "aria-pressed", String(key === selectedReaction(state)));
            set(element, "aria-disabled", !isAllowed(state, "react") && "true");
            // Others do not interrupt: a moment's movement, for who sees and wants it.
            const more = n - (last ?? n);
            if (more > 0) part("live").then((live) => live.burst(face, more), () => {});
            last = n;
            return n > 0 && n === most && name;
          });
          return element;
        }),
      );
    }
    setText(error, state.optimistic && state.late ? t("unsure") : refused);
    const now = counts(state);
    const n = sum(now);
    const leading = marks.map((mark) => mark(Math.max(...Object.values(now)))).filter(Boolean);
    setText(total, n ? t("total", { n, name: leading.join(", ") }) : "");
  }

  return { element: h("div", null, group, total, error), draw };
}
