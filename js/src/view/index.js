/**
 * The widget as elements: built once at the first snapshot, then changed where the state differs.
 *
 * @import {Discussion} from "../discussion"
 * @import {Parts} from "../part-api"
 * @import {State} from "../types"
 * @import {Translate} from "../i18n"
 */
import { shared } from "../part-api.js";
import { setChildren, button, h, heading, newId, setText } from "../dom.js";
import { isMuted, isAllowed } from "../state.js";
import { reactionBar } from "./reaction-bar.js";
import { threadView } from "./thread.js";
import { errorText } from "../i18n.js";

/** Comments that are drawn in one task. */
const AT_ONCE = 5;

/** @typedef {ReturnType<typeof viewOf>} View */

/**
 * @param {Discussion} discussion
 * @param {Translate} t
 * @param {HTMLElement} host
 * @param {(name: keyof Parts) => Promise<any>} fetchPart
 * @param {(type: string, code?: string) => void} emit
 * @param {(css: string) => void} style for what a part draws
 */
export function viewOf(discussion, t, host, fetchPart, emit, style) {
  const level = Number(host.getAttribute("heading")) || 2;
  /** There is one before anything else happens. @type {State} */
  let drawn;
  /** @type {Map<string, import("./thread").ThreadView>} */
  let threads = new Map();
  const title = newId();
  const status = h("p", { role: "status" });

  /** @type {Partial<Record<keyof Parts, Promise<any>>>} */
  const parts = {};
  /** Another one when every thread has to be drawn anew, and not only those that changed. */
  let round = 0;
  /** What all of them are drawn from. @type {unknown[]} */
  let all = [];

  /** @type {import("../part-api").ViewContext} */
  const self = {
    story: discussion,
    t,
    level,
    // Once, politely, to who cannot see it; loud to everyone.
    tell(text, loud) {
      status.className = loud ? "toast" : "visually-hidden";
      if (loud) self.part("live").catch(() => {});
      status.textContent = status.textContent === text ? text + "\u00a0" : text;
    },
    explain: (problem) => errorText(t, problem),
    emit,
    fetchPart,
    style,
    list: h("ol", { class: "comments", part: "comments" }),
    /** @type {((state: State) => void) | undefined} */
    onRender: undefined,
    onClose: undefined,
    renew() {
      round++;
      drawThreads();
    },
    comment(id) {
      if (!find(id)) drawThreads(id);
      return find(id);
    },
    // A frame has an address that no one sees: instead of it, the page of the story itself.
    address: () =>
      new URL(parent === window ? "" : host.getAttribute("src") ?? "", location.href).href,
    focus: (id) => self.comment(id)?.article.focus(),
    part(name) {
      // Each of them acts; chips are drawn before.
      const acts = name !== "comment-reactions" && discussion.loadLivePart();
      const part = (parts[name] ??= Promise.all([fetchPart(name), acts]).then(([code]) => code.open(self, shared)));
      // Next time, try again.
      part.catch(() => delete parts[name]);
      return part;
    },
    withPart: (name, work) =>
      self.part(name).then(work).catch((problem) => self.tell(self.explain(problem), true)),
  };

  // The site's own words, in whatever direction they run.
  const prompt = h("bdi");
  const bar = reactionBar(self, title);
  const notice = h("p", { class: "notice", part: "notice" });
  const count = heading(level + 1, { class: "count" });
  // A label, a text area and a button: all there is until someone begins to write. There is no form element: in a
  // sandboxed frame nothing is ever submitted, so that the click of a button does the work everywhere.
  const textId = newId();
  const text = h("textarea", { id: textId, rows: 3, dir: "auto" });
  text.value = discussion.storage().drafts?.[discussion.code + " "] ?? "";
  const send = button(t("post"), () => self.withPart("writing", (desk) => desk.attach(composer).post()), {
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
  const next = button(t("next"), () => self.withPart("more", (desk) => desk.page()), { class: "load-more" });
  /** @param {"sort" | "share" | "data"} what @param {string} icon */
  const opener = (what, icon) => {
    const element = button(t(what), () => self.withPart("more", (desk) => desk.open(what, element)), {
      class: "action " + icon,
    });
    return element;
  };
  const sort = opener("sort", "icon-down");
  const toolbar = h("div", { class: "row bar" }, count, sort, opener("share", "icon-share end"));
  const tail = h("div", { class: "row" }, h("slot", { name: "credit" }), opener("data", ""));
  const element = h(
    "section",
    { class: "widget", lang: t("lang"), dir: host.dir || t("dir"), "aria-labelledby": title },
    heading(level, { id: title, class: "prompt", part: "prompt" }, prompt),
    bar.element,
    notice,
    toolbar,
    composer,
    list,
    next,
    tail,
    status,
  );
  let later = 0;

  /** @param {State} state */
  function draw(state) {
    const { story, settings, mine, can, muted, filter, read_only } = state;
    if (!story) return;
    drawn = state;
    setText(prompt, t("=" + settings.prompt, undefined, settings.prompt));
    bar.draw(state);
    const why = read_only
      ? t("readonly", { why: t(read_only, { origin }) })
      : story.closed && t("closed");
    setText(notice, [story.notice, why].filter(Boolean).join(" "));
    composer.hidden = !isAllowed(state, "comment");
    next.hidden = !state.next;
    const now = [mine, can, muted, filter, story, settings];
    if (now.some((part, i) => part !== all[i])) round++;
    all = now;
    drawThreads();
    // Of the reader's own there may be one that is not counted yet.
    const { count: n } = state;
    const some = n || threads.size || discussion.storage().queue;
    setText(count, some ? t("comments", { n }) : t("none"));
    text.placeholder = t(some ? "placeholder" : "start");
    sort.hidden = !(n > 1);
    setText(sort, t(state.order));
    self.onRender?.(state);
  }

  /**
   * Draws some comments and leaves the others to the tasks that follow, so that the page stays quick.
   *
   * @param {string} [until] a comment that has to be there at once, with whatever comes before it
   */
  function drawThreads(until) {
    clearTimeout(later);
    let left = until ? Infinity : AT_ONCE;
    const take = (/** @type {string} */ id) => {
      const may = left-- > 0;
      if (id === until) left = 0;
      return may;
    };
    const old = threads;
    threads = new Map();
    for (const thread of drawn.threads) {
      const { id, state, replies } = thread;
      // A tombstone is kept where the reader saw the comment, and where it holds replies.
      if (
        drawn.unseen.includes(id) ||
        (state === "removed" && !replies[0] && !old.has(id)) ||
        isMuted(drawn, thread) ||
        ![thread, ...replies].some(drawn.filter)
      ) {
        continue;
      }
      const view = old.get(id) ?? (left > 0 && threadView(self));
      if (!view) continue;
      threads.set(id, view);
      view.draw(thread, drawn, round, take, until);
    }
    setChildren(list, [...threads.values()].map((each) => each.element));
    list.hidden = !threads.size;
    if (left < 1) later = setTimeout(drawThreads);
  }

  /** @param {string | undefined} id */
  function find(id) {
    for (const thread of threads.values()) {
      const found = thread.comment(id);
      if (found) return found;
    }
    return undefined;
  }

  return {
    element,
    self,
    draw,
    close() {
      clearTimeout(later);
      self.onClose?.();
    },
  };
}
