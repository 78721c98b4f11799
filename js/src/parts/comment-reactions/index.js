/**
 * Lazy part `comment-reactions`: a row of reactions to a comment, opened by the comment's button.
 *
 * @import {ViewContext, CommentHandle, Shared} from "../../part-api"
 */
import css from "./style.css";

/** Time in milliseconds without a reply after which a reaction is shown as not sent. */
const LATE_AFTER_MS = 2_000;

/** @type {WeakMap<CommentHandle, HTMLElement>} */
const rows = new WeakMap();

/**
 * Create the part for a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {import("../../part-api").CommentReactionsPart}
 */
export function open(context, tools) {
  context.style(css);
  return { begin: (handle) => toggleReactionRow(context, tools, handle) };
}

/**
 * Open the row, or close it.
 *
 * @param {ViewContext} context
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
  const updates = [];
  const row = h(
    "div",
    { role: "group", class: "actions comment-reactions", "aria-label": t("addReaction") },
    ...(story.state.settings?.reactions ?? []).map((reaction) => {
      const { key, label } = reaction;
      const name = t("=" + label, undefined, label);
      const count = h("span");
      const element = button("", () => press(key), { class: "action reaction", title: name });
      element.append(reactionIcon(reaction), h("span", { class: "visually-hidden" }, name + " "), count);
      updates.push(() => {
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
    updates.forEach((update) => update());
    const waits = target() in (story.storage().unsent ?? {});
    if (waits) timer ||= setTimeout(() => (note.textContent = t("unsure")), LATE_AFTER_MS);
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
