/**
 * Menu of a comment: copy its link, report it, mute its author; edit or delete one's own.
 *
 * @import {ViewContext, CommentHandle, Shared} from "../../part-api"
 */
import { copy } from "./copy.js";
import { closePopover, openPopover } from "./popover.js";

/**
 * Open the menu of a comment, or close it.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @param {CommentHandle} handle
 */
export function openMenu(context, tools, handle) {
  const { story, t, tell, explain } = context;
  const { h, button } = tools;
  const { article, foot, comment, name } = handle;
  const { id } = comment;
  const mine = story.state.mine.comments[id];
  const editWindowOver = mine && Date.parse(mine.editable_until) < story.now();
  const opener = /** @type {HTMLElement} */ (foot.querySelector(".icon-more"));
  /** @param {string} key @param {string} icon @param {() => unknown} act */
  const item = (key, icon, act) =>
    button(
      t(key, { name }),
      async () => {
        closePopover(true);
        try {
          await act();
        } catch (problem) {
          tell(explain(problem), true);
        }
      },
      { class: "icon-" + icon },
    );
  /** @param {"edit" | "remove"} action @param {string} icon */
  const own = (action, icon) => item(action, icon, async () => (await context.part("writing"))[action](handle));
  openPopover(tools, opener, t("moreOf", { name }), [
    item("copy", "link", async () => {
      if (await copy(context.address() + "#c-" + id, foot, t("copy"), tools)) tell(t("copied"), true);
    }),
    mine && !editWindowOver && own("edit", "pen"),
    mine && !editWindowOver && own("remove", "bin"),
    editWindowOver && h("p", null, t("late")),
    !mine && item("reportOpen", "flag", () => report(context, tools, handle, opener)),
    !mine &&
      !!comment.author?.name &&
      item("mute", "minus", () => {
        const muted = [...story.state.muted, name];
        const thread = article.closest(".comments > li");
        const next = (thread?.nextElementSibling ?? thread?.previousElementSibling)?.querySelector("article");
        story.saveToStorage({ muted });
        story.set({ muted });
        tell(t("muteDone", { name }), true);
        if (!article.isConnected) next?.focus();
      }),
  ]);
}

/**
 * Ask why a comment is reported.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @param {CommentHandle} handle
 * @param {HTMLElement} opener
 */
function report({ story, t, tell, explain }, { h, button, newId }, { article, comment }, opener) {
  const id = newId();
  const reason = h("input", { id, maxlength: 1000, dir: "auto" });
  const error = h("p", { class: "error", role: "alert" });
  const send = button(t("report"), submit, { class: "primary" });
  const panel = h(
    "div",
    { class: "panel", role: "group", "aria-labelledby": id + "l", onkeydown },
    h("label", { for: id, id: id + "l" }, t("reason")),
    reason,
    error,
    h("div", { class: "row" }, send, button(t("cancel"), () => close(opener), { class: "outline" })),
  );

  /** @param {HTMLElement} to */
  function close(to) {
    to.focus();
    panel.remove();
  }

  async function submit() {
    try {
      await story.mutate({ type: "report", comment: comment.id, reason: reason.value.trim() || undefined });
      close(article);
      tell(t("reportDone"), true);
    } catch (problem) {
      error.textContent = explain(problem);
    }
  }

  /** @param {KeyboardEvent} event */
  function onkeydown({ key, target, isComposing }) {
    if (key === "Escape") close(opener);
    else if (key === "Enter" && target === reason && !isComposing) submit();
  }

  article.querySelector(".panel")?.remove();
  article.append(panel);
  reason.focus();
}
