/**
 * View of the widget: its elements are created at the first snapshot and then updated where the state differs.
 *
 * @import {Discussion} from "../discussion"
 * @import {Parts} from "../part-api"
 * @import {State} from "../types"
 * @import {Translate} from "../i18n"
 */
import { shared } from "../part-api.js";
import { setChildren, button, h, heading, newId, setText } from "../dom.js";
import { isShown, isAllowed } from "../state.js";
import { reactionBar } from "./reaction-bar.js";
import { threadView } from "./thread.js";
import { baseLanguage, errorText, localText } from "../i18n.js";

/** Comments drawn per task, so that no task blocks the page for long. */
const COMMENTS_PER_TASK = 5;

/** @typedef {ReturnType<typeof createView>} View */

/**
 * Create the view of a discussion.
 *
 * @param {Discussion} discussion
 * @param {Translate} t
 * @param {string} lang of this copy, without its region; there may be no locale for it
 * @param {HTMLElement} host
 * @param {(name: keyof Parts) => Promise<any>} fetchPart
 * @param {(type: string, code?: string) => void} emit
 * @param {(css: string) => void} style adds a part's styles
 */
export function createView(discussion, t, lang, host, fetchPart, emit, style) {
  const level = Number(host.getAttribute("heading") || 2);
  /** The state of the last draw; set before any other use. @type {State} */
  let drawn;
  /** @type {Map<string, import("./thread").ThreadView>} */
  let threads = new Map();
  const title = newId();
  // Not a paragraph: those are hidden while they are empty.
  const status = h("div", { role: "status" });

  /** @type {Partial<Record<keyof Parts, Promise<any>>>} */
  const parts = {};
  /** Incremented to redraw all threads, not only the changed ones. */
  let renderVersion = 0;
  /** Values on which every thread depends. @type {unknown[]} */
  let dependencies = [];

  /** @type {import("../part-api").ViewContext} */
  const self = {
    story: discussion,
    t,
    level,
    tell: (text, loud) => self.part("live").then((part) => part.tell(text, loud), () => {}),
    explain: (problem) => errorText(t, problem),
    lang,
    // Where the owner keeps languages apart: until the part `options` filters.
    filter: (comment) => !drawn.settings.discussion_languages || !comment.lang || baseLanguage(comment.lang) === lang,
    emit,
    fetchPart,
    style,
    list: h("ol", { class: "comments", part: "comments" }),
    /** Draw all threads, also unchanged ones. */
    redraw() {
      renderVersion++;
      drawThreads();
    },
    comment(id) {
      if (!find(id)) drawThreads(id);
      return find(id);
    },
    // The address of an iframe is not visible to readers: use the story's own page instead.
    address: () =>
      new URL(parent === window ? "" : /** @type {string} */ (host.getAttribute("src")), location.href).href,
    focus: (id) => self.comment(id)?.article.focus(),
    part(name) {
      // The parts need the actions of the live part. Chips of reactions are drawn without them.
      const actions = name !== "comment-reactions" && discussion.loadLivePart();
      const part = (parts[name] ??= Promise.all([fetchPart(name), actions]).then(([code]) => code.open(self, shared)));
      // Retry at the next call.
      part.catch(() => delete parts[name]);
      return part;
    },
    withPart: (name, work) =>
      self.part(name).then(work).catch((problem) => self.tell(self.explain(problem), true)),
  };

  // `bdi`: the site's prompt may have another text direction.
  const prompt = h("bdi");
  const bar = reactionBar(self, title);
  const notice = h("p", { class: "notice", part: "notice" });
  // Why readers cannot write.
  const reason = h("p", { class: "notice", role: "status" });
  const count = heading(level + 1, { class: "count" });
  // The bare composer: the part `writing` enhances it on focus. There is no form element, because sandboxed iframes
  // block submission; the button's click works everywhere.
  const textId = newId();
  const text = h("textarea", { id: textId, rows: 3, dir: "auto" });
  text.value = discussion.storage().drafts?.[discussion.code + " "] ?? "";
  const send = button(t("post"), () => self.withPart("writing", (part) => part.attach(composer).post()), {
    class: "primary end",
    part: "button",
  });
  const composer = h(
    "div",
    { class: "composer", part: "composer" },
    h("div", { class: "tabs" }, h("label", { class: "small", for: textId }, t("write"))),
    text,
    h("div", { class: "footer" }, h("p", { class: "field small secondary" }, t("account")), send),
  );
  const { list } = self;
  const next = button(t("next"), () => self.withPart("more", (part) => part.page()), { class: "load-more" });
  /** @param {import("../part-api").Opener} what @param {"more" | "options" | "navigation"} part @param {string} icon */
  const opener = (what, part, icon) => {
    const element = button(t(what), () => self.withPart(part, (code) => code.open(what, element)), {
      class: "action " + icon,
    });
    return element;
  };
  const sort = opener("newest", "options", "icon-down");
  const toolbar = h("div", { class: "row bar" }, count, sort, opener("share", "options", "icon-share end"));
  const tail = h("div", { class: "row" }, h("slot", { name: "credit" }), opener("flaw", "navigation", ""), opener("data", "more", ""));
  const element = h(
    "section",
    { class: "widget", lang: t("lang"), dir: host.dir || t("dir"), "aria-labelledby": title },
    heading(level, { id: title, class: "prompt", part: "prompt" }, prompt),
    bar.element,
    notice,
    toolbar,
    reason,
    composer,
    list,
    next,
    tail,
    status,
  );
  let drawTimer = 0;

  /** @param {State} state */
  function draw(state) {
    const { story, settings, mine, can, muted, read_only } = state;
    if (!story) return;
    drawn = state;
    setText(prompt, localText(t, settings, "prompt"));
    bar.draw(state);
    setText(notice, story.notice ?? "");
    if (story.closed) setText(reason, t("closed"));
    element["style"].setProperty("--site-density", /** @type {string} */ (settings.density ?? ""));
    // If only this copy may not comment, the composer keeps its place until the reason is drawn there.
    composer.hidden = !read_only && !isAllowed(state, "comment");
    next.hidden = !state.next;
    const now = [mine, can, muted, self.filter, story, settings];
    if (now.some((part, i) => part !== dependencies[i])) renderVersion++;
    dependencies = now;
    drawThreads();
    // The reader's own comment may be pending and not counted yet.
    const { count: n } = state;
    const some = n || threads.size || discussion.storage().queue;
    setText(count, some ? t("comments", { n }) : t("none"));
    text.placeholder = t(some ? "placeholder" : "start");
    sort.hidden = n < 2;
    setText(sort, t(state.order));
    self.onRender?.(state);
  }

  /**
   * Draw some comments now and the others in later tasks, so that the page stays responsive.
   *
   * @param {string} [revealId] a comment to draw now, with everything before it
   */
  function drawThreads(revealId) {
    clearTimeout(drawTimer);
    let left = revealId ? Infinity : COMMENTS_PER_TASK;
    const take = (/** @type {string} */ id) => {
      if (id !== revealId) return left-- > 0;
      left = 0;
      return true;
    };
    const old = threads;
    threads = new Map();
    for (const thread of drawn.threads) {
      const { id, replies } = thread;
      if (!isShown(drawn, thread, replies[0] ?? old.has(id)) || ![thread, ...replies].some(self.filter)) continue;
      const view = old.get(id) ?? (left > 0 && threadView(self));
      if (!view) continue;
      threads.set(id, view);
      view.draw(thread, drawn, renderVersion, take, revealId);
    }
    setChildren(list, [...threads.values()].map((each) => each.element));
    list.hidden = !threads.size;
    if (left < 1) drawTimer = setTimeout(drawThreads);
  }

  /** @param {string | undefined} id */
  function find(id) {
    let found;
    for (const thread of threads.values()) found ??= thread.comment(id);
    return found;
  }

  return {
    element,
    self,
    draw,
    close() {
      clearTimeout(drawTimer);
      self.onClose?.();
    },
  };
}
