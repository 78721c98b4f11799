/**
 * The widget as elements: built once at the first snapshot, then changed where the state differs.
 *
 * @import {Discussion} from "./discussion"
 * @import {State} from "./types"
 * @import {Say} from "./words"
 */
import { TOOLS, composerShell } from "./desk.js";
import { arrange, button, h, heading, newId, write } from "./dom.js";
import { find, ids } from "./state.js";
import { reactionBar } from "./view_reactions.js";
import { threadView } from "./view_thread.js";
import { explain } from "./words.js";

/** At most one announcement of other people's comments in this time, in milliseconds. */
const QUIET = 10_000;

/** What the threads are drawn from. */
const THREADS = /** @type {const} */ ([
  "threads",
  "fresh",
  "mine",
  "story",
  "settings",
  "can",
  "readOnly",
]);

/** @typedef {ReturnType<typeof viewOf>} View */

/**
 * @param {Discussion} story
 * @param {Say} say
 * @param {number} level of the first heading
 * @param {string} dir direction of the text
 * @param {() => ReturnType<typeof import("./desk").fetchSecond>} fetchSecond
 */
export function viewOf(story, say, level, dir, fetchSecond) {
  /** @type {State | undefined} */
  let drawn;
  /** @type {Map<string, import("./view_thread").ThreadView>} */
  const threads = new Map();
  let announced = 0;

  const title = newId();
  const status = h("p", { class: "hidden", role: "status" });

  /** @type {Promise<import("./desk").Desk> | null} */
  let coming = null;

  /** @type {import("./desk").Frame} */
  const self = {
    story,
    say,
    level,
    // Once, politely, to who cannot see it; loud to everyone.
    tell(text, loud) {
      status.className = loud ? "pill" : "hidden";
      status.textContent = status.textContent === text ? text + "\u00a0" : text;
    },
    explain: (problem) => explain(say, problem),
    focus(id) {
      const comment = id && find(story.state, id);
      if (comment) threads.get(comment.thread)?.focus(comment.id);
    },
    desk() {
      coming ??= fetchSecond().then((second) => second.desk(self, TOOLS));
      // Next time, try again.
      coming.catch(() => (coming = null));
      return coming;
    },
    ask: (work) => self.desk().then(work).catch((problem) => self.tell(self.explain(problem), true)),
  };

  // The site's own words, in whatever direction they run.
  const prompt = h("bdi");
  const bar = reactionBar(self, title);
  const presence = h("p", { class: "quiet", part: "presence" });
  const notice = h("p", { class: "notice", part: "notice" });
  const count = heading(level + 1, { class: "count" });
  const composer = composerShell(say("write"), say("post"));
  const take = async () => (await self.desk()).take(composer);
  composer.text.addEventListener("focus", () => take().catch(() => {}), { once: true });
  composer.post = () => self.ask(() => take().then(() => composer.post()));
  const pill = button("", reveal, { class: "pill", part: "pill" });
  const list = h("ol", { class: "list", part: "comments" });
  const next = button(say("next"), () => self.ask((desk) => desk.page()), { class: "wide" });
  const element = h(
    "section",
    { class: "widget", lang: say("lang"), dir, "aria-labelledby": title },
    heading(level, { id: title, class: "prompt", part: "prompt" }, prompt),
    bar.element,
    presence,
    notice,
    count,
    composer.element,
    pill,
    list,
    next,
    h("slot", { name: "credit" }),
    status,
  );
  // "5 minutes ago" becomes "6 minutes ago".
  const clock = setInterval(() => drawn && drawThreads(drawn), 60_000);

  /** @param {State} state */
  function draw(state) {
    const { story, settings, fresh } = state;
    if (!story || !settings) return;
    const old = drawn;
    drawn = state;
    write(prompt, say("=" + settings.prompt, undefined, settings.prompt));
    bar.draw(state);
    const { readers, copies } = state.presence;
    write(
      presence,
      readers ? say("reading", { n: readers, sites: say("sites", { n: copies || 1 }) }) : "",
    );
    const why = state.readOnly
      ? say("readonly", { why: say(state.readOnly) })
      : story.closed && say("closed");
    write(notice, [story.notice, why].filter(Boolean).join(" "));
    write(count, state.count ? say("comments", { n: state.count }) : say("none"));
    composer.element.hidden = !may(state, "comment");
    const n = fresh.length;
    write(pill, n ? say("fresh", { n }) : "");
    pill.hidden = !n;
    if (old && n > old.fresh.length && Date.now() - announced > QUIET) {
      announced = Date.now();
      self.tell(say("fresh", { n }));
    }
    next.hidden = !state.next;
    if (THREADS.some((part) => old?.[part] !== state[part])) drawThreads(state);
  }

  /** @param {State} state */
  function drawThreads(state) {
    const hidden = new Set(state.fresh);
    const old = new Map(threads);
    threads.clear();
    const wanted = [];
    for (const thread of state.threads) {
      const { id, state: condition, replies } = thread;
      // A tombstone is kept where the reader saw the comment, and where it holds replies.
      if (hidden.has(id) || (condition === "removed" && !replies[0] && !old.has(id))) continue;
      const view = old.get(id) ?? threadView(self);
      threads.set(id, view);
      view.draw(thread, state, hidden);
      wanted.push(view.element);
    }
    arrange(list, wanted);
  }

  function reveal() {
    const { fresh } = story.state;
    story.set({ fresh: [] });
    for (const id of ids(story.state.threads)) if (fresh.includes(id)) return self.focus(id);
  }

  return { element, draw, renew: () => (drawn = undefined), close: () => clearInterval(clock) };
}

/** @param {State} state @param {"react" | "comment"} what */
export const may = ({ can, readOnly, story }, what) =>
  can.includes(what) && !readOnly && !story?.closed;
