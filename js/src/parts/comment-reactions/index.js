/**
 * The part for reactions to a comment: one row, opened by its button.
 *
 * @import {ViewContext, CommentHandle, Shared} from "../../part-api"
 */
import css from "./style.css";

/** How long an answer may take before the reader is told that there is none, in milliseconds. */
const NO_ANSWER_MS = 2_000;

/** @type {WeakMap<CommentHandle, HTMLElement>} */
const rows = new WeakMap();

/**
 * @param {ViewContext} frame
 * @param {Shared} tools
 * @returns {import("../../part-api").CommentReactionsPart}
 */
export function open(frame, tools) {
  frame.style(css);
  return { begin: (handle) => toggleReactionRow(frame, tools, handle) };
}

/**
 * Opens the row, or closes it.
 *
 * @param {ViewContext} frame
 * @param {Shared} tools
 * @param {CommentHandle} handle
 */
function toggleReactionRow({ story, t, explain, tell }, { h, set, button, counts, reactionIcon }, handle) {
  const { article, foot } = handle;
  const open = rows.get(handle);
  if (open) {
    rows.delete(handle);
    open.remove();
    handle.onRender = undefined;
    set(foot.firstElementChild ?? foot, "aria-expanded", "false");
    return;
  }
  /** @type {(() => void)[]} */
  const marks = [];
  const row = h(
    "div",
    { role: "group", class: "actions comment-reactions", "aria-label": t("addReaction") },
    ...(story.state.settings?.reactions ?? []).map((reaction) => {
      const { key, label } = reaction;
      const name = t("=" + label, undefined, label);
      const count = h("span");
      const element = button("", () => press(key), { class: "action reaction", title: name });
      element.append(reactionIcon(reaction), h("span", { class: "visually-hidden" }, name + " "), count);
      marks.push(() => {
        const { mine } = story.state;
        const { id, tally } = handle.comment;
        const n = counts({ tally })[key];
        const text = n ? t("number", { n }) : "";
        if (count.textContent !== text) count.textContent = text;
        set(element, "aria-pressed", String(mine.reactions[id] === key));
      });
      return element;
    }),
  );
  const note = h("p", { class: "error", role: "alert" });
  row.append(note);
  let timer = 0;
  const target = () => `${story.code} ${handle.comment.id}`;
  const draw = () => {
    marks.forEach((mark) => mark());
    const waits = target() in (story.storage().unsent ?? {});
    if (waits) timer ||= setTimeout(() => (note.textContent = t("unsure")), NO_ANSWER_MS);
    else {
      clearTimeout(timer);
      timer = 0;
      note.textContent = "";
    }
  };

  /** @param {string} key */
  async function press(key) {
    const { id } = handle.comment;
    const was = story.state.mine.reactions[id] ?? null;
    try {
      const done = story.setReaction(target(), was === key ? null : key);
      story.mark(id, was === key ? null : key);
      await done;
    } catch (problem) {
      story.mark(id, was);
      tell(explain(problem), true);
    }
    draw();
  }

  rows.set(handle, row);
  handle.onRender = draw;
  draw();
  set(foot.firstElementChild ?? foot, "aria-expanded", "true");
  article.append(row);
  row.querySelector("button")?.focus();
}
