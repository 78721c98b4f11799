/**
 * Lazy part `more`: paging, links to comments, notices, the reader's own data and error details.
 *
 * @import {ViewContext, MorePart, Shared} from "../../part-api"
 */
import { ids } from "../live/find-comment.js";
import { COMMENT } from "../../view/comment-text.js";
import css from "./style.css";
import { createNotices } from "./notices.js";
import panelCss from "../panel.css";
import { yourData } from "./your-data.js";

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
  const { story, t, tell, focus } = context;
  context.style(panelCss);
  context.style(css);

  /** Load the next page of threads and focus its first comment. */
  async function page() {
    const { order, only } = story.state;
    // With a filter, several pages may contain no matching comment.
    for (let tries = MAX_PAGES; tries--; ) {
      const { next } = story.state;
      if (!next) break;
      const more = await story.getThreads(order, `&before=${encodeURIComponent(next)}${only ?? ""}`);
      const { threads, ...now } = story.state;
      // Another list was chosen meanwhile, or a second click has loaded this page.
      if (now.order !== order || now.only !== only || now.next !== next) return;
      const known = ids(threads);
      const newThreads = more.threads.filter(({ id }) => !known.has(id));
      story.set({ threads: [...threads, ...newThreads], next: more.next });
      const found = newThreads.find((thread) => [thread, ...thread.replies].some(context.filter));
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

  return {
    page,
    replies,
    go,
    visit,
    open: (_what, opener) => yourData(context, tools, opener, go),
    drawNotices: createNotices(context, tools),
  };
}
