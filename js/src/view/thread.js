/**
 * View of a thread: its top comment and, indented once, its replies.
 *
 * @import {Comment, State, Thread} from "../types"
 * @import {ViewContext} from "../part-api"
 */
import { setChildren, button, h, setText } from "../dom.js";
import { isShown } from "../state.js";
import { commentView } from "./comment.js";

/** @typedef {ReturnType<typeof threadView>} ThreadView */
/** @typedef {ReturnType<typeof commentView>} CommentView */

/** A longer thread shows this many replies, and the others on demand. */
const VISIBLE_REPLIES = 5;

/** Create the view of a thread. @param {ViewContext} view */
export function threadView(view) {
  const top = commentView(view);
  const { element } = top;
  /** @type {Map<string, CommentView>} */
  let views = new Map();
  const list = h("ol", { class: "replies" });
  /** Create a button that shows more replies: the earlier or the following ones. @param {boolean} [first] */
  const moreButton = (first) =>
    button(
      "",
      () =>
        folded[0] && !first
          ? view.focus(folded[0].id)
          : view.withPart("more", (part) => part.replies(id, first)),
      { class: "action icon-down" },
    );
  const earlier = moreButton(true);
  const more = moreButton();
  let id = "";
  let open = false;
  /** @type {Comment[]} */
  let folded = [];
  /** Thread and render version of the last draw. @type {Thread | undefined} */
  let drawn;
  /** @type {unknown} */
  let version;
  /** Whether the last draw left no comment for later. */
  let complete = false;

  /**
   * @param {Thread} thread
   * @param {State} state
   * @param {unknown} renderVersion changed if all threads are to be redrawn
   * @param {(id: string) => boolean} take whether one more comment may be drawn in this task
   * @param {string} [revealId] a comment that must be drawn, even if it is folded
   */
  function draw(thread, state, renderVersion, take, revealId) {
    if (complete && !revealId && drawn === thread && version === renderVersion) return;
    drawn = thread;
    version = renderVersion;
    complete = true;
    id = thread.id;
    drawOne(top, thread);
    const oldViews = views;
    views = new Map();
    const wanted = thread.replies.filter(
      (reply) => isShown(state, reply, oldViews.has(reply.id)) && view.filter(reply),
    );
    open ||= wanted.findIndex((each) => each.id === revealId) >= VISIBLE_REPLIES;
    // A single folded reply would take no more space than the button, unless the server has more.
    folded = open || wanted.length + thread.more < VISIBLE_REPLIES + 2 ? [] : wanted.splice(VISIBLE_REPLIES);
    for (const reply of wanted) {
      const comment = drawOne(oldViews.get(reply.id), reply);
      if (comment) views.set(reply.id, comment);
    }
    setChildren(list, [...views.values()].map((each) => each.element));
    const n = folded.length + thread.more;
    setText(more, view.t("replies", { n }));
    setText(earlier, view.t("replies", { n: thread.earlier ?? 0 }));
    // Omit empty elements: screen readers announce an empty list.
    setChildren(
      element,
      /** @type {Element[]} */ (
        [top.article, thread.earlier && earlier, views.size && list, n && more].filter(Boolean)
      ),
    );

    /** Draw a comment; if this task may not draw more, keep its old view. @param {CommentView | undefined} known @param {Comment} comment */
    function drawOne(known, comment) {
      const current = known?.comment === comment && known.renderVersion === renderVersion;
      if (!current && (complete &&= take(comment.id))) {
        const { parent } = comment;
        const to = parent !== id && thread.replies.find((each) => each.id === parent);
        known ??= commentView(view);
        known.renderVersion = renderVersion;
        known.draw(comment, to, state);
      }
      return known;
    }
  }

  return {
    element,
    draw,
    /** Return the view of a comment, if it is drawn. @param {string | undefined} wanted */
    comment: (wanted) => (wanted === id ? top : views.get(/** @type {string} */ (wanted))),
  };
}
