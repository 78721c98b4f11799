/**
 * Loads the parts `more-corrections`, `more-decisions`, `more-hints` and `opening`, whose hashes have no room in the part
 * `connection`.
 *
 * @import {NavigationPart, ViewContext} from "../../part-api"
 */

/**
 * Load these parts now and after each render, where there is something to show: `more-decisions` if something was decided about
 * this reader, `more-hints` if they have reported an error, `opening` where the site has opening hours, and
 * `more-corrections` where the story has corrections or this copy is older.
 *
 * @param {ViewContext} view
 * @returns {Omit<NavigationPart, "burst">}
 */
export function createLoader(view) {
  const { story, onRender } = view;
  const known = view.fetchPart(/** @type {any} */ ("connection")).then(({ HASHES }) =>
    Object.assign(HASHES, { "more-corrections": CORRECTIONS, "more-decisions": DECISIONS, "more-hints": HINTS, opening: OPENING }),
  );
  /** @template {keyof import("../../part-api").Parts} T @param {T} name */
  const load = (name) => known.then(() => view.part(name));

  /** Load a part that then draws by itself. @param {"more-corrections" | "more-decisions" | "more-hints" | "opening"} name @param {unknown} wanted */
  const loadIf = (name, wanted) => wanted && load(name).catch(() => {});

  /** @param {import("../../types").State} state */
  function draw({ mine, ban, settings, older, story: facts }) {
    loadIf("more-decisions", ban ?? mine.reports ?? Object.keys(mine.comments)[0]);
    loadIf("more-hints", mine.hints?.[0]);
    loadIf("more-corrections", facts?.corrections ?? older);
    loadIf("opening", settings.mode);
  }

  view.onRender = (state) => {
    onRender?.(state);
    draw(state);
  };
  draw(story.state);
  return {
    decisions: () => load("more-decisions"),
    // Offline, `withPart` says at once that the part cannot be loaded.
    open: (what, opener) => known.then(() => view.withPart("more-hints", (part) => part.open(what, opener))),
  };
}
