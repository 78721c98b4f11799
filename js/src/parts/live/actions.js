/**
 * What a reader can do in a story. Actions go by the socket while it lives, else by HTTP.
 *
 * @import {Discussion} from "../../discussion"
 * @import {DiscussionApi, Snapshot, Tally} from "../../types"
 */
import { uuid } from "../../uuid.js";
import { createThreadLoader } from "./load-thread.js";

/** How long to wait before what had no answer is sent again, in milliseconds; up to as much again. */
const AGAIN = 8_000;

/**
 * What it borrows from the first file instead of bringing its own.
 *
 * @typedef {Pick<typeof import("../../api"), "request">
 *   & Pick<typeof import("../../storage"), "json" | "storageKey">
 *   & Pick<typeof import("../../state"), "optimisticReaction">} Base
 */

/**
 * @param {Discussion} story
 * @param {string} server
 * @param {Base} base
 * @returns {Omit<DiscussionApi, keyof import("../../types").Receiver | "connection" | "live" | "requestedReader">}
 */
export function createActions(story, server, { request, json, storageKey, optimisticReaction }) {
  const { code } = story;
  /** The identity that the first action waited for. @type {string | null} */
  let awaited = null;
  const path = `${server}/v1/stories/${code}`;

  /** @type {DiscussionApi["mutate"]} */
  function mutate(action) {
    const { connection } = story;
    /** @returns {Promise<any>} */
    const send = async () => {
      const { identity, spent } = story;
      // Who is to be signed in is not someone else before; where there is no socket, it goes on without.
      if (identity !== spent && identity !== awaited) {
        awaited = identity;
        await pause();
      }
      const { reader, first = uuid() } = story.storage();
      // Kept before it is sent: the answer that brings the reader's token may be lost.
      if (!reader) story.saveToStorage({ first });
      const message = { ref: connection.nextRef(), story: code, reader, first: reader ? undefined : first, ...action };
      /** @type {any} */
      let answer;
      // If the socket breaks, the same action goes by HTTP: every action may be sent twice and counts once.
      if (story.live) answer = await connection.request(message).catch(() => {});
      // A string body goes out as `text/plain`, without a preflight, and also if the page is left meanwhile.
      answer ??= await request(server + "/v1/actions", {
        method: "POST",
        body: json({ ...message, token: story.token || undefined }),
        keepalive: true,
      });
      if (onPersonalAnswer(answer)) return send();
      if (answer.type === "error") throw answer;
      return answer;
    };
    const done = connection.actionChain.then(send);
    connection.actionChain = done.catch(() => {});
    return done;
  }

  /** @type {DiscussionApi["onPersonalAnswer"]} */
  function onPersonalAnswer(answer) {
    const { reader, identity, code, detail, read_only } = answer;
    if (reader) story.saveToStorage({ reader, first: undefined });
    if (identity) story.set({ identity });
    // A retired key, or a damaged token: the bare code may do. Not after one that expired or was withdrawn.
    const lapsed = code ?? read_only;
    if (lapsed === "token_invalid" && story.token) {
      story.token = null;
      story.set({ lapsed });
      story.connection.join(story);
      return true;
    }
    // Where it does not, what is to be mended is the token.
    if (/not_/.test(code ?? "")) answer.code = story.state.lapsed ?? code;
    // An action may be the first to hear of it, where there is no socket.
    if (/token_[er]|origin_/.test(code ?? "")) story.set({ read_only: code });
    // Of a socket that was closed, the reason.
    if (code === "refused" && /^\w+$/.test(detail ?? "")) answer.code = detail;
    return false;
  }

  /** @type {DiscussionApi["isTemporary"]} */
  const isTemporary = ({ code }) => /^(offline|unavailable)$/.test(code);

  /** Those who wait for a connection. @type {Set<() => void>} */
  const waiting = new Set();
  const wake = () => waiting.forEach((go) => go());
  addEventListener("online", wake);

  /** @type {DiscussionApi["pause"]} */
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

  /** @type {DiscussionApi["get"]} */
  const get = (which) => request(`${path}/comments${which}`);

  /** By target, until its last choice has an answer. @type {Record<string, Promise<void> | undefined>} */
  const settling = {};
  const unsent = () => story.storage().unsent ?? {};

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
        if (!comment) story.set({ optimistic: null, late: false });
        return;
      }
      const { optimistic } = story.state;
      const action = { type: "react", reaction, comment };
      try {
        let { tally } = await mutate(action);
        // What was held up may have come after it. Twice is as good as once.
        if (doubt && unsent()[target] === reaction) ({ tally } = await mutate(action));
        doubt = false;
        // Not waiting any more when it is drawn.
        drop(target, reaction);
        answered(comment, reaction, optimistic, /** @type {Tally} */ (tally));
        if (!comment) story.saveToStorage({ reactions: { ...story.storage().reactions, [code]: reaction } });
      } catch (problem) {
        if (isTemporary(/** @type {any} */ (problem))) {
          doubt = true;
          await pause();
        } else if (drop(target, reaction)) {
          if (!comment) story.set({ optimistic: null, late: false });
          throw problem;
        }
      }
    }
  }

  /**
   * @param {string | undefined} comment
   * @param {string | null} reaction
   * @param {import("../../types").State["optimistic"]} wish
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
        optimistic: wish?.reaction === reaction ? wish : { reaction, counts: {} },
        tally,
      });
    }
  }

  /** The choice is not waiting any more. False if another one is. @param {string} target @param {string | null} reaction */
  function drop(target, reaction) {
    const { [target]: now, ...others } = unsent();
    if (now !== reaction) return false;
    story.saveToStorage({ unsent: Object.keys(others)[0] ? others : undefined });
    return true;
  }

  /** @type {DiscussionApi["mark"]} */
  function mark(comment, reaction) {
    const { mine } = story.state;
    story.set({ mine: { ...mine, reactions: { ...mine.reactions, [comment]: reaction } } });
  }

  return {
    mutate,
    onPersonalAnswer,
    isTemporary,
    pause,
    mark,
    // The live part has saved the reader token by then.
    onSubscribed: () => story.loadLivePart().then(wake),
    setReaction(target, reaction) {
      story.saveToStorage({ unsent: { ...unsent(), [target]: reaction } });
      return (settling[target] ??= settle(target, false).finally(() => delete settling[target]));
    },
    resume() {
      for (const [target, reaction] of Object.entries(unsent())) {
        const [of, comment] = target.split(" ");
        if (of !== code || settling[target]) continue;
        const { optimistic, mine } = story.state;
        const shown = reaction ?? mine.reaction;
        if (comment) mark(comment, reaction);
        else if (!optimistic && shown && reaction !== mine.reaction) story.set({ optimistic: optimisticReaction(story.state, shown), late: true });
        settling[target] = settle(target, true).catch(() => {}).finally(() => delete settling[target]);
      }
    },
    get,
    loadThread: createThreadLoader(story, get),
    async poll(identity) {
      const { position } = story.state;
      if (identity) {
        story.identity = identity;
        story.set({ identity: null });
        story.connection.join(story);
      }
      try {
        /** @type {Snapshot} */
        const news = await request(path + (position ? `?since=${position.epoch}:${position.seq}` : ""));
        // Where no socket was asked for yet, nothing has to wait.
        const receive = story.receive ?? story.dispatch;
        receive(news);
        news.tallies?.forEach(receive);
        wake();
      } catch (problem) {
        return /** @type {any} */ (problem).status > 0;
      }
      return true;
    },
    forget() {
      story.saveToStorage(Object.fromEntries(Object.keys(story.storage()).map((name) => [name, undefined])));
      try {
        localStorage.removeItem(storageKey(server, story.state.story?.site));
      } catch {}
    },
    rejoin() {
      story.connection.leave(story);
      story.connection.join(story);
    },
  };
}
