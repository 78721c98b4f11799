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
    !mine && item("reportOpen", "flag", async () => (await (await context.part("navigation")).decisions()).begin(handle, opener)),
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
