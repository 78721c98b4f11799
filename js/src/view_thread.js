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
  const more = button("", () => view.ask((desk) => desk.replies(id)), { class: "act" });
  let id = "";

  /**
   * @param {Thread} thread
   * @param {State} state
   * @param {Set<string>} hidden ids not to be drawn yet
   */
  function draw(thread, state, hidden) {
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
    arrange(element, [
      ...[...element.children].filter((each) => each !== list && each !== more),
      ...(views.size ? [list] : []),
      ...(thread.more ? [more] : []),
    ]);
  }

  return {
    element,
    draw,
    focus: (/** @type {string} */ wanted) => (views.get(wanted) ?? top).focus(),
  };
}
