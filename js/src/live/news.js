/**
 * What came while somebody reads: it waits behind one button, because what moves a text under its reader is lost to both.
 *
 * @import {Frame, Tools} from "../desk"
 * @import {Comment, State} from "../types"
 */
import { find, ids } from "./threads.js";

/** At most one announcement of other people's comments in this time, in milliseconds. */
const QUIET = 10_000;

/**
 * @param {Frame} frame
 * @param {Tools} tools
 * @returns {(state: State) => void} draws the button
 */
export function newsOf({ story, say, tell, focus, list }, { button }) {
  let shown = 0;
  let announced = 0;
  const pill = button("", reveal, { class: "pill", part: "pill" });
  pill.hidden = true;
  list.before(pill);

  function reveal() {
    const { fresh, threads } = story.state;
    // Each thread is another one: it may hold a reply that is now to be drawn.
    story.set({ fresh: [], threads: threads.map((each) => ({ ...each })) });
    for (const id of ids(threads)) if (fresh.includes(id)) return focus(id);
  }

  return (state) => {
    const n = state.fresh.filter((id) => state.sieve(/** @type {Comment} */ (find(state, id)))).length;
    const more = n > shown;
    if (n === shown) return;
    shown = n;
    pill.textContent = n ? say("fresh", { n }) : "";
    pill.hidden = !n;
    if (more && Date.now() - announced > QUIET) {
      announced = Date.now();
      tell(say("fresh", { n }));
    }
  };
}
