/**
 * Button for new comments. They are not inserted at once, because that would move the text that is being read.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 * @import {Comment, State} from "../../types"
 */
import { find, ids } from "./find-comment.js";

/** New comments are announced to screen readers at most once in this time, in milliseconds. */
const ANNOUNCE_INTERVAL_MS = 10_000;

/**
 * Create the button.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {(state: State) => void} updates the button
 */
export function newCommentsButton(context, { button }) {
  const { story, t, tell, focus, list } = context;
  let shown = 0;
  let announced = 0;
  const element = button("", reveal, { class: "new-comments icon-up", part: "new-comments" });
  element.hidden = true;
  list.before(element);

  function reveal() {
    const { unseen, threads } = story.state;
    // New thread objects, because any thread may hold a reply that is to be drawn now.
    story.set({ unseen: [], threads: threads.map((each) => ({ ...each })) });
    for (const id of ids(threads)) if (unseen.includes(id)) return focus(id);
  }

  return (state) => {
    const n = state.unseen.filter((id) => {
      const comment = /** @type {Comment} */ (find(state, id));
      // Not what this copy hides, and no replies to that or in that thread.
      const above = [id, comment.parent, comment.thread];
      return context.filter(comment) && !state.copy?.hidden?.some((each) => above.includes(each));
    }).length;
    const more = n > shown;
    if (n === shown) return;
    shown = n;
    element.textContent = n ? t("newComments", { n }) : "";
    element.hidden = !n;
    if (more && Date.now() - announced > ANNOUNCE_INTERVAL_MS) {
      announced = Date.now();
      tell(t("newComments", { n }));
    }
  };
}
