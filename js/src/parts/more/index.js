/**
 * What is done now and then: more comments, what else can be done with one, options of the whole discussion, and why
 * nothing can be shown.
 *
 * @import {ViewContext, CommentHandle, MorePart, Shared} from "../../part-api"
 * @import {Thread} from "../../types"
 */
import { ids } from "../live/find-comment.js";
import { COMMENT } from "../../view/comment-text.js";
import css from "./style.css";
import { logOnce } from "../../csp.js";
import { optionsOf } from "./options.js";
import { copy } from "./share.js";

export { addAttribution } from "./attribution.js";
export { showErrorDetails } from "./error-details.js";
export { STRINGS } from "./strings.js";

/** Pages asked for at once to find something that the reader wants to see. */
const MOST_PAGES = 5;

/**
 * @param {ViewContext} frame
 * @param {Shared} tools
 * @returns {MorePart}
 */
export function open(frame, tools) {
  const { story, t, tell, focus, explain, emit } = frame;
  const { h, button } = tools;
  /** What the page's owner was told last. @type {Partial<import("../../types").State>} */
  let said = {};
  frame.style(css);

  /** The next page of threads, and the reader at its beginning. */
  async function page() {
    const { order, filter } = story.state;
    // Where few are wanted, several pages may hold none of them.
    for (let tries = MOST_PAGES; tries--; ) {
      const { next } = story.state;
      if (!next) break;
      const more = await story.get(`?order=${order}&before=${encodeURIComponent(next)}`);
      const { threads } = story.state;
      const known = ids(threads);
      /** @type {Thread[]} */
      const news = more.threads.filter((/** @type {Thread} */ { id }) => !known.has(id));
      story.set({ threads: [...threads, ...news], next: more.next });
      const found = news.find((thread) => [thread, ...thread.replies].some(filter));
      if (found) return focus(found.id);
    }
    tell(t("nothing"), true);
  }

  /**
   * Further replies of a thread, or its first ones, and the reader at the first that was not there.
   *
   * @param {string} id
   * @param {boolean} [first]
   */
  async function replies(id, first) {
    const known = ids(story.state.threads);
    const { replies } = await story.loadThread(id, !first);
    focus(replies.find((each) => !known.has(each.id))?.id);
  }

  /** To a comment that may be anywhere. @param {string} id */
  async function go(id) {
    const known = () => ids(story.state.threads).has(id);
    try {
      if (!known()) await story.loadThread(id);
    } catch (problem) {
      if (/** @type {any} */ (problem).code !== "not_found") throw problem;
    }
    const handle = known() && frame.comment(id);
    if (handle) handle.article.focus();
    else tell(t("removed"), true);
  }

  /** To a comment that is in sight, and its address into the browser's, unless the page's own fragment is there. @param {string} id */
  async function visit(id) {
    await go(id);
    const { hash } = location;
    if (parent === window && (!hash || COMMENT.test(hash))) {
      // No one is told: a router would look for a page of this name.
      history.replaceState(history.state, "", frame.address() + "#c-" + id);
    }
  }

  /**
   * What can be done, in the place of a comment's buttons, with a way back.
   *
   * @param {CommentHandle} handle
   */
  function menu(handle) {
    const { article, foot, comment, name } = handle;
    const { id } = comment;
    const mine = story.state.mine.comments[id];
    const late = mine && Date.parse(mine.editable_until) < story.now();
    const text = h("span", { role: "alert" }, late ? t("late") : "");
    const box = h("div", { class: "actions" }, text);
    const close = (stay = false) => {
      box.remove();
      foot.hidden = false;
      if (!stay) /** @type {HTMLElement} */ (foot.lastElementChild ?? article).focus();
    };
    /** @param {string} word @param {() => unknown} act */
    const add = (word, act) =>
      box.append(
        button(
          t(word, { name }),
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
    if (mine && !late) {
      for (const action of /** @type {const} */ (["edit", "remove"])) {
        add(action, async () => {
          const desk = await frame.part("writing");
          close(true);
          desk[action](handle);
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
      if (!(await copy(frame.address() + "#c-" + id, box, t("copy"), tools))) return;
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
    open: optionsOf(frame, tools),
    logReadOnly() {
      const { read_only, identity, lapsed } = story.state;
      // A token that is not valid is given up for the bare code, which is told below.
      if (read_only && !/token_invalid/.test(read_only) && read_only !== said.read_only) {
        logOnce(t("readonly", { why: t(read_only, { origin }) }));
      }
      if (lapsed && !said.lapsed) logOnce(t(lapsed) + " " + t("lapsed"));
      if (identity && identity !== said.identity) {
        logOnce(`${t("unsigned")} (${identity})`);
        emit("identity", identity);
      }
      said = { read_only, identity, lapsed };
    },
  };
}
