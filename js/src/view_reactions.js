/**
 * The reactions: toggle buttons with a constant name, in the order the server gives.
 *
 * @import {State} from "./types"
 */
import { button, h, set, write } from "./dom.js";
import { choice, counts } from "./state.js";
import { may } from "./view.js";

/**
 * @param {import("./desk").Frame} frame
 * @param {string} labelledBy id of the prompt
 */
export function reactionBar({ story, say, explain, desk }, labelledBy) {
  const error = h("p", { class: "error", role: "alert" });
  const group = h("div", {
    role: "group",
    class: "reactions",
    part: "reactions",
    "aria-labelledby": labelledBy,
  });
  let offered = "";
  /** @type {(() => void)[]} */
  let marks = [];

  /** @param {string} key */
  async function press(key) {
    if (!may(story.state, "react")) return;
    error.textContent = "";
    try {
      await story.react(key);
    } catch (problem) {
      // What a refusal says in another language comes with the second file.
      if (say("lang") !== "en") await desk().catch(() => {});
      error.textContent = explain(problem);
    }
  }

  /** @param {State} state */
  function draw(state) {
    const { reactions = [] } = state.settings ?? {};
    const offer = JSON.stringify(reactions);
    if (offer !== offered) {
      offered = offer;
      marks = [];
      group.replaceChildren(
        ...reactions.map(({ key, label, emoji }) => {
          const count = h("span", { class: "n" });
          const element = button("", () => press(key), { class: "reaction", part: "reaction" });
          element.append(
            h("span", { class: "face", "aria-hidden": "true" }, emoji),
            h("span", { class: "label", part: "label" }, say("=" + label, undefined, label) + " "),
            count,
          );
          marks.push(() => {
            const { state } = story;
            write(count, say("number", { n: counts(state)[key] ?? 0 }));
            set(element, "aria-pressed", String(key === choice(state)));
            set(element, "aria-disabled", !may(state, "react") && "true");
          });
          return element;
        }),
      );
    }
    for (const mark of marks) mark();
  }

  return { element: h("div", null, group, error), draw };
}
