/**
 * A thread: its top comment and, one step in, its replies.
 *
 * @import {State, Thread} from "./types"
 * @import {Frame} from "./desk"
 */
import { arrange, button, h, write } from "./dom.js";
import { commentView } from "./view_comment.js";

/** @typedef {ReturnType<typeof threadView>} ThreadView */
/** @typedef {ReturnType<typeof commentView>} CommentView */

/** @param {Frame} view */
export function threadView(view) {
  const top = commentView(view);
  const { element } = top;
  /** @type {Map<string, CommentView>} */
  let views = new Map();
  const list = h("ol", { class: "replies" });
  const more = button("", () => view.ask("more", (desk) => desk.replies(id)), { class: "act" });
  let id = "";
  /** @type {unknown[]} */
  let drawn = [];

  /**
   * @param {Thread} thread
   * @param {State} state
   * @param {Set<string>} hidden ids not to be drawn yet
   * @param {unknown} round another one if all threads are to be drawn anew
   */
  function draw(thread, state, hidden, round) {
    if (drawn[0] === thread && drawn[1] === round) return;
    drawn = [thread, round];
    id = thread.id;
    top.draw(thread, undefined, state);
    const old = views;
    views = new Map();
    for (const reply of thread.replies) {
      if (hidden.has(reply.id) || (reply.state === "removed" && !old.has(reply.id))) continue;
      const comment = old.get(reply.id) ?? commentView(view);
      views.set(reply.id, comment);
      const to = reply.parent !== id && thread.replies.find((each) => each.id === reply.parent);
      comment.draw(reply, to || undefined, state);
    }
    arrange(list, [...views.values()].map((each) => each.element));
    write(more, view.say("replies", { n: thread.more }));
    // What is empty is not there: an empty list is read out as one.
    arrange(
      element,
      /** @type {Element[]} */ ([top.article, views.size && list, thread.more && more].filter(Boolean)),
    );
  }

  return {
    element,
    draw,
    comment: (/** @type {string} */ wanted) => (wanted === id ? top : views.get(wanted)),
  };
}
