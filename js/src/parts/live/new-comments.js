/**
 * What came while someone reads: it waits behind one button, because what moves a text under its reader is lost to both.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 * @import {Comment, State} from "../../types"
 */
import { find, ids } from "./find-comment.js";

/** At most one announcement of other people's comments in this time, in milliseconds. */
const QUIET = 10_000;

/**
 * @param {ViewContext} frame
 * @param {Shared} tools
 * @returns {(state: State) => void} draws the button
 */
export function newCommentsButton({ story, t, tell, focus, list }, { button }) {
  let shown = 0;
  let announced = 0;
  const newComments = button("", reveal, { class: "new-comments icon-up", part: "new-comments" });
  newComments.hidden = true;
  list.before(newComments);

  function reveal() {
    const { unseen, threads } = story.state;
    // Each thread is another one: it may hold a reply that is now to be drawn.
    story.set({ unseen: [], threads: threads.map((each) => ({ ...each })) });
    for (const id of ids(threads)) if (unseen.includes(id)) return focus(id);
  }

  return (state) => {
    const n = state.unseen.filter((id) => state.filter(/** @type {Comment} */ (find(state, id)))).length;
    const more = n > shown;
    if (n === shown) return;
    shown = n;
    newComments.textContent = n ? t("newComments", { n }) : "";
    newComments.hidden = !n;
    if (more && Date.now() - announced > QUIET) {
      announced = Date.now();
      tell(t("newComments", { n }));
    }
  };
}
