/**
 * Lazy part `more`: paging, a comment's menu, options of the discussion, attribution and error details.
 *
 * @import {ViewContext, CommentHandle, MorePart, Shared} from "../../part-api"
 * @import {Thread} from "../../types"
 */
import { ids } from "../live/find-comment.js";
import { COMMENT } from "../../view/comment-text.js";
import css from "./style.css";
import { logOnce } from "../../csp.js";
import { createOptions } from "./options.js";
import { copy } from "./share.js";

export { addAttribution } from "./attribution.js";
export { showErrorDetails } from "./error-details.js";
export { STRINGS } from "./strings.js";

/** Pages fetched per click to find a comment that passes the filters. */
const MAX_PAGES = 5;

/**
 * Create the part for a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {MorePart}
 */
export function open(context, tools) {
  const { story, t, tell, focus, explain, emit } = context;
  const { h, button } = tools;
  /** Values that were logged last. @type {Partial<import("../../types").State>} */
  let logged = {};
  context.style(css);

  /** Load the next page of threads and focus its first comment. */
  async function page() {
    const { order, filter } = story.state;
    // With a filter, several pages may contain no matching comment.
    for (let tries = MAX_PAGES; tries--; ) {
      const { next } = story.state;
      if (!next) break;
      const more = await story.get(`?order=${order}&before=${encodeURIComponent(next)}`);
      const { threads } = story.state;
      const known = ids(threads);
      /** @type {Thread[]} */
      const newThreads = more.threads.filter((/** @type {Thread} */ { id }) => !known.has(id));
      story.set({ threads: [...threads, ...newThreads], next: more.next });
      const found = newThreads.find((thread) => [thread, ...thread.replies].some(filter));
      if (found) return focus(found.id);
    }
    tell(t("nothing"), true);
  }

  /**
   * Load the next replies of a thread, or its first ones, and focus the first new one.
   *
   * @param {string} id
   * @param {boolean} [first]
   */
  async function replies(id, first) {
    const known = ids(story.state.threads);
    const { replies } = await story.loadThread(id, !first);
    focus(replies.find((each) => !known.has(each.id))?.id);
  }

  /** Load a comment if necessary and focus it. @param {string} id */
  async function go(id) {
    const known = () => ids(story.state.threads).has(id);
    try {
      if (!known()) await story.loadThread(id);
    } catch (problem) {
      if (/** @type {any} */ (problem).code !== "not_found") throw problem;
    }
    const handle = known() && context.comment(id);
    if (handle) handle.article.focus();
    else tell(t("removed"), true);
  }

  /** Focus a comment and put its address into the address bar, unless the page uses the fragment itself. @param {string} id */
  async function visit(id) {
    await go(id);
    const { hash } = location;
    if (parent === window && (!hash || COMMENT.test(hash))) {
      // `replaceState` fires no event, so a router does not look for a page.
      history.replaceState(history.state, "", context.address() + "#c-" + id);
    }
  }

  /**
   * Open the menu of a comment in place of its buttons.
   *
   * @param {CommentHandle} handle
   */
  function menu(handle) {
    const { article, foot, comment, name } = handle;
    const { id } = comment;
    const mine = story.state.mine.comments[id];
    const editWindowOver = mine && Date.parse(mine.editable_until) < story.now();
    const text = h("span", { role: "alert" }, editWindowOver ? t("late") : "");
    const box = h("div", { class: "actions" }, text);
    const close = (stay = false) => {
      box.remove();
      foot.hidden = false;
      if (!stay) /** @type {HTMLElement} */ (foot.lastElementChild ?? article).focus();
    };
    /** @param {string} key @param {() => unknown} act */
    const add = (key, act) =>
      box.append(
        button(
          t(key, { name }),
          async () => {
            try {
              await act();
            } catch (problem) {
              text.textContent = explain(problem);
            }
          },
          { class: "action" },
        ),
      );
    if (mine && !editWindowOver) {
      for (const action of /** @type {const} */ (["edit", "remove"])) {
        add(action, async () => {
          const writing = await context.part("writing");
          close(true);
          writing[action](handle);
        });
      }
    }
    if (!mine) {
      add("report", () => {
        const reason = h("input", { "aria-label": t("reason"), maxlength: 1000, dir: "auto" });
        box.replaceChildren(h("span", null, t("reason")), reason, text);
        add("report", async () => {
          await story.mutate({
            type: "report",
            comment: id,
            reason: reason.value.trim() || undefined,
          });
          close(true);
          tell(t("reportDone"));
          article.focus();
        });
        add("cancel", () => close());
        reason.focus();
      });
      if (comment.author?.name) {
        add("mute", () => {
          const muted = [...story.state.muted, name];
          story.saveToStorage({ muted });
          story.set({ muted });
          tell(t("muteDone", { name }), true);
        });
      }
    }
    add("copy", async () => {
      if (!(await copy(context.address() + "#c-" + id, box, t("copy"), tools))) return;
      close(false);
      tell(t("copied"), true);
    });
    add("cancel", () => close());
    box.onkeydown = ({ key }) => key === "Escape" && close(false);
    foot.hidden = true;
    article.append(box);
    box.querySelector("button")?.focus();
  }

  return {
    page,
    replies,
    go,
    visit,
    begin: (handle) => menu(handle),
    open: createOptions(context, tools),
    logReadOnly() {
      const { read_only, identity, lapsed } = story.state;
      // An invalid token is replaced by the story's code, which is logged below.
      if (read_only && !/token_invalid/.test(read_only) && read_only !== logged.read_only) {
        logOnce(t("readonly", { why: t(read_only, { origin }) }));
      }
      if (lapsed && !logged.lapsed) logOnce(t(lapsed) + " " + t("lapsed"));
      if (identity && identity !== logged.identity) {
        logOnce(`${t("unsigned")} (${identity})`);
        emit("identity", identity);
      }
      logged = { read_only, identity, lapsed };
    },
  };
}
