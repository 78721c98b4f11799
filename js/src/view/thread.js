/**
 * A thread: its top comment and, one step in, its replies.
 *
 * @import {Comment, State, Thread} from "../types"
 * @import {ViewContext} from "../part-api"
 */
import { setChildren, button, h, setText } from "../dom.js";
import { isMuted } from "../state.js";
import { commentView } from "./comment.js";

/** @typedef {ReturnType<typeof threadView>} ThreadView */
/** @typedef {ReturnType<typeof commentView>} CommentView */

/** A longer thread shows so many replies, and the others on demand. */
const FOLD = 5;

/** @param {ViewContext} view */
export function threadView(view) {
  const top = commentView(view);
  const { element } = top;
  /** @type {Map<string, CommentView>} */
  let views = new Map();
  const list = h("ol", { class: "replies" });
  /** Asks for replies that are not there: the first ones, or those that follow. @param {boolean} [first] */
  const others = (first) =>
    button(
      "",
      () =>
        folded[0] && !first
          ? view.focus(folded[0].id)
          : view.withPart("more", (desk) => desk.replies(id, first)),
      { class: "action icon-down" },
    );
  const earlier = others(true);
  const more = others();
  let id = "";
  let open = false;
  /** @type {Comment[]} */
  let folded = [];
  /** What it was drawn from last, and in which round. @type {[Thread?, unknown?]} */
  let drawn = [];
  /** Whether nothing of it was left for later. */
  let whole = false;

  /**
   * @param {Thread} thread
   * @param {State} state
   * @param {unknown} round another one if all threads are to be drawn anew
   * @param {(id: string) => boolean} take whether there is time to draw one more comment
   * @param {string} [until] a comment that has to be there, for which the thread unfolds
   */
  function draw(thread, state, round, take, until) {
    if (whole && !until && drawn[0] === thread && drawn[1] === round) return;
    drawn = [thread, round];
    whole = true;
    id = thread.id;
    drawOne(top, thread);
    const old = views;
    views = new Map();
    const wanted = thread.replies.filter(
      (reply) =>
        !state.unseen.includes(reply.id) &&
        (reply.state !== "removed" || old.has(reply.id)) &&
        !isMuted(state, reply) &&
        state.filter(reply),
    );
    open ||= wanted.findIndex((each) => each.id === until) >= FOLD;
    // A single one takes no more room than the button.
    folded = open || wanted.length < FOLD + 2 ? [] : wanted.splice(FOLD);
    for (const reply of wanted) {
      const comment = drawOne(old.get(reply.id), reply);
      if (comment) views.set(reply.id, comment);
    }
    setChildren(list, [...views.values()].map((each) => each.element));
    const n = folded.length + thread.more;
    setText(more, view.t("replies", { n }));
    setText(earlier, view.t("replies", { n: thread.earlier ?? 0 }));
    // What is empty is not there: an empty list is read out as one.
    setChildren(
      element,
      /** @type {Element[]} */ (
        [top.article, thread.earlier && earlier, views.size && list, n && more].filter(Boolean)
      ),
    );

    /** As it is now; without time, as it was. @param {CommentView | undefined} known @param {Comment} comment */
    function drawOne(known, comment) {
      const current = known?.comment === comment && known.round === round;
      if (!current && (whole &&= take(comment.id))) {
        const { parent } = comment;
        const to = parent !== id && thread.replies.find((each) => each.id === parent);
        known ??= commentView(view);
        known.round = round;
        known.draw(comment, to || undefined, state);
      }
      return known;
    }
  }

  return {
    element,
    draw,
    /** The view of this comment, if it is drawn. @param {string | undefined} wanted */
    comment: (wanted) => (wanted === id ? top : views.get(/** @type {string} */ (wanted))),
  };
}
