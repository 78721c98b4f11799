/**
 * What a reader can do in a story. Deeds go by the socket while it lives, else by HTTP.
 *
 * @import {Discussion} from "../discussion"
 * @import {Acts, Snapshot, Tally} from "../types"
 */
import { uuid } from "../uuid.js";
import { branchOf } from "./branch.js";

/** How long to wait before what had no answer is sent again, in milliseconds; up to as much again. */
const AGAIN = 8_000;

/**
 * What it borrows from the first file instead of bringing its own.
 *
 * @typedef {Pick<typeof import("../api"), "ask">
 *   & Pick<typeof import("../socket"), "nextRef">
 *   & Pick<typeof import("../memory"), "json" | "keyOf">
 *   & Pick<typeof import("../state"), "wishFor">} Base
 */

/**
 * @param {Discussion} story
 * @param {string} server
 * @param {Base} base
 * @returns {Acts}
 */
export function actsOf(story, server, { ask, nextRef, json, keyOf, wishFor }) {
  const { code } = story;
  /** The identity that the first deed waited for. @type {string | null} */
  let awaited = null;
  const path = `${server}/v1/stories/${code}`;

  /** @type {Acts["perform"]} */
  function perform(deed) {
    const { line } = story;
    /** @returns {Promise<any>} */
    const send = async () => {
      const { identity, spent } = story;
      // Who is to be signed in is not somebody else before; where there is no socket, it goes on without.
      if (identity !== spent && identity !== awaited) {
        awaited = identity;
        await pause();
      }
      const { reader, first = uuid() } = story.memory();
      // Kept before it is sent: the answer that brings the reader's token may be lost.
      if (!reader) story.remember({ first });
      const message = { ref: nextRef(), story: code, reader, first: reader ? undefined : first, ...deed };
      /** @type {any} */
      let answer;
      // If the socket breaks, the same deed goes by HTTP: every deed may be sent twice and counts once.
      if (story.live) answer = await line.ask(message).catch(() => {});
      // A string body goes out as `text/plain`, without a preflight, and also if the page is left meanwhile.
      answer ??= await ask(server + "/v1/actions", {
        method: "POST",
        body: json({ ...message, token: story.token || undefined }),
        keepalive: true,
      });
      if (keep(answer)) return send();
      if (answer.type === "error") throw answer;
      return answer;
    };
    const done = line.turn.then(send);
    line.turn = done.catch(() => {});
    return done;
  }

  /** @type {Acts["keep"]} */
  function keep(answer) {
    const { reader, identity, code, detail, read_only } = answer;
    if (reader) story.remember({ reader, first: undefined });
    if (identity) story.set({ identity });
    // A retired key, or a damaged token: the bare code may do. Not after one that expired or was withdrawn.
    const lapsed = code ?? read_only;
    if (lapsed === "token_invalid" && story.token) {
      story.token = null;
      story.set({ lapsed });
      story.line.join(story);
      return true;
    }
    // Where it does not, what is to be mended is the token.
    if (/not_/.test(code ?? "")) answer.code = story.state.lapsed ?? code;
    // A deed may be the first to hear of it, where there is no socket.
    if (/token_[er]|origin_/.test(code ?? "")) story.set({ read_only: code });
    // Of a socket that was closed, the reason.
    if (code === "refused" && /^\w+$/.test(detail ?? "")) answer.code = detail;
    return false;
  }

  /** @type {Acts["passes"]} */
  const passes = ({ code }) => /^(offline|unavailable)$/.test(code);

  /** Those who wait for a connection. @type {Set<() => void>} */
  const waiting = new Set();
  const wake = () => waiting.forEach((go) => go());
  addEventListener("online", wake);

  /** @type {Acts["pause"]} */
  const pause = () =>
    new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, AGAIN * (1 + Math.random()));
      waiting.add(go);
    });

  /** @type {Acts["get"]} */
  const get = (which) => ask(`${path}/comments${which}`);

  /** What came while a comment of ours was on its way: it may be the same, with less in it. @type {any[]} */
  const held = [];
  let holding = 0;
  const { hear, subscribed } = story;
  story.hear = (frame) => {
    if (holding) held.push(frame);
    else hear(frame);
  };
  story.subscribed = (answer) => {
    subscribed(answer);
    // After the reader's token has been kept.
    if (story.live) story.learn().then(wake);
  };

  /** By target, until its last choice has an answer. @type {Record<string, Promise<void> | undefined>} */
  const settling = {};
  const unsent = () => story.memory().unsent ?? {};

  /**
   * Sends the last choice for a target (this story, or one of its comments) until it is answered. Of those that were
   * made meanwhile only the last is sent.
   *
   * @param {string} target
   * @param {boolean} doubt whether an earlier message may still be on its way
   */
  async function settle(target, doubt) {
    const comment = target.split(" ")[1];
    for (;;) {
      const reaction = unsent()[target];
      if (reaction === undefined) {
        if (!comment) story.set({ wish: null, late: false });
        return;
      }
      const { wish } = story.state;
      const deed = { type: "react", reaction, comment };
      try {
        let { tally } = await perform(deed);
        // What was held up may have come after it. Twice is as good as once.
        if (doubt && unsent()[target] === reaction) ({ tally } = await perform(deed));
        doubt = false;
        // Not waiting any more when it is drawn.
        drop(target, reaction);
        answered(comment, reaction, wish, /** @type {Tally} */ (tally));
        if (!comment) story.remember({ reactions: { ...story.memory().reactions, [code]: reaction } });
      } catch (problem) {
        if (passes(/** @type {any} */ (problem))) {
          doubt = true;
          await pause();
        } else if (drop(target, reaction)) {
          if (!comment) story.set({ wish: null, late: false });
          throw problem;
        }
      }
    }
  }

  /**
   * @param {string | undefined} comment
   * @param {string | null} reaction
   * @param {import("../types").State["wish"]} wish
   * @param {Tally} tally
   */
  function answered(comment, reaction, wish, tally) {
    if (comment) {
      mark(comment, reaction);
      story.dispatch({ type: "tally", story: code, comment, ...tally });
    } else {
      story.dispatch({
        type: "answered",
        // Another tab may have chosen after this one.
        wish: wish?.reaction === reaction ? wish : { reaction, counts: {} },
        tally,
      });
    }
  }

  /** The choice is not waiting any more. False if another one is. @param {string} target @param {string | null} reaction */
  function drop(target, reaction) {
    const { [target]: now, ...others } = unsent();
    if (now !== reaction) return false;
    story.remember({ unsent: Object.keys(others)[0] ? others : undefined });
    return true;
  }

  /** @type {Acts["mark"]} */
  function mark(comment, reaction) {
    const { mine } = story.state;
    story.set({ mine: { ...mine, reactions: { ...mine.reactions, [comment]: reaction } } });
  }

  return {
    perform,
    keep,
    passes,
    pause,
    mark,
    async hold(work) {
      holding++;
      try {
        return await work();
      } finally {
        if (!--holding) held.splice(0).forEach(hear);
      }
    },
    choose(target, reaction) {
      story.remember({ unsent: { ...unsent(), [target]: reaction } });
      return (settling[target] ??= settle(target, false).finally(() => delete settling[target]));
    },
    resume() {
      for (const [target, reaction] of Object.entries(unsent())) {
        const [of, comment] = target.split(" ");
        if (of !== code || settling[target]) continue;
        const { wish, mine } = story.state;
        const shown = reaction ?? mine.reaction;
        if (comment) mark(comment, reaction);
        else if (!wish && shown && reaction !== mine.reaction) story.set({ wish: wishFor(story.state, shown), late: true });
        settling[target] = settle(target, true).catch(() => {}).finally(() => delete settling[target]);
      }
    },
    get,
    branch: branchOf(story, get),
    async poll(identity) {
      const { position } = story.state;
      if (identity) {
        story.identity = identity;
        story.set({ identity: null });
        story.line.join(story);
      }
      try {
        /** @type {Snapshot} */
        const news = await ask(path + (position ? `?since=${position.epoch}:${position.seq}` : ""));
        story.hear(news);
        news.tallies?.forEach((each) => story.hear(each));
        wake();
      } catch (problem) {
        return /** @type {any} */ (problem).status > 0;
      }
      return true;
    },
    forget() {
      story.remember(Object.fromEntries(Object.keys(story.memory()).map((name) => [name, undefined])));
      try {
        localStorage.removeItem(keyOf(server, story.state.story?.site));
      } catch {}
    },
    rejoin() {
      story.line.leave(story);
      story.line.join(story);
    },
  };
}
