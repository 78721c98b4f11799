/**
 * Reader actions. They are sent over the socket while it is open, else over HTTP.
 *
 * @import {Discussion} from "../../discussion"
 * @import {DiscussionApi, Snapshot, Tally} from "../../types"
 */
import { uuid } from "../../uuid.js";
import { createThreadLoader } from "./load-thread.js";
import { bringUpToDate } from "./up-to-date.js";

/** Wait before an action without a reply is sent again, in milliseconds; up to twice as long, at random. */
const RETRY_MS = 8_000;

/** Error code of an action that the code alone does not allow. */
const REFUSED = "not_permitted";

/**
 * Functions of the first file, passed in so that this part needs no copies.
 *
 * @typedef {Pick<typeof import("../../api"), "request">
 *   & Pick<typeof import("../../storage"), "json">
 *   & Pick<typeof import("../../state"), "optimisticReaction" | "reduce">} Base
 */

/**
 * Create the functions that the live part adds to a discussion.
 *
 * @param {Discussion} story
 * @param {string} server
 * @param {Base} base
 * @returns {Omit<DiscussionApi, keyof import("../../types").Receiver | "connection" | "live" | "requestedReader" | keyof import("../../types").Attributes>}
 */
export function createActions(story, server, { request, json, optimisticReaction, reduce }) {
  const { code } = story;
  let readsOnly = false;
  /** The identity token for which an action already waited. @type {string | null} */
  let awaitedIdentity = null;

  /** @type {DiscussionApi["mutate"]} */
  function mutate(action) {
    const { connection } = story;
    /** @returns {Promise<any>} */
    const send = async () => {
      if (readsOnly) throw { code: REFUSED };
      const { identity, spent } = story;
      // Wait once until the socket has sent the identity token: else the action would create an anonymous reader first.
      if (identity !== spent && identity !== awaitedIdentity) {
        awaitedIdentity = identity;
        await pause();
      }
      const { reader, first = uuid() } = story.storage();
      // Save before sending: the reply with the reader token may be lost.
      if (!reader) story.saveToStorage({ first });
      const message = { ref: connection.nextRef(), story: code, reader, first: reader ? undefined : first, ...action };
      /** @type {any} */
      let answer;
      // If the socket breaks, send the same action over HTTP. Actions are idempotent.
      if (story.live) answer = await connection.request(message).catch(() => {});
      // A string body is sent as `text/plain`, without a preflight. `keepalive`: also while the page is being left.
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
    // Retired key or damaged token: try the story's code alone. Not for expired or revoked tokens.
    const lapsed = code ?? read_only;
    if (lapsed === "token_invalid" && story.token) {
      story.token = null;
      story.set({ lapsed });
      // The server's own frame for a token goes on as any page with the code would: the frame says if that only reads.
      if (location.origin === server && document.body.hasAttribute("data-code-reads")) {
        readsOnly = true;
        const { dispatch } = story;
        story.dispatch = (event) => dispatch(event.type === "snapshot" ? { ...event, read_only: REFUSED } : event);
      }
      story.connection.join(story);
      return true;
    }
    // If the code alone is rejected, report the token's error.
    if (/not_/.test(code ?? "")) answer.code = story.state.lapsed ?? code;
    // Without a socket, the reply to an action may be the first sign that the token has ended.
    if (/token_[er]|origin_/.test(code ?? "")) story.set({ read_only: code });
    // The server closed the socket: use its reason as the code.
    if (code === "refused" && /^\w+$/.test(detail ?? "")) answer.code = detail;
    return false;
  }

  /** @type {DiscussionApi["isTemporary"]} */
  const isTemporary = ({ code }) => /^(offline|unavailable)$/.test(code);

  /** Resolvers of `pause`. @type {Set<() => void>} */
  const paused = new Set();
  const wakePaused = () => paused.forEach((proceed) => proceed());
  addEventListener("online", wakePaused);

  /** @type {DiscussionApi["pause"]} */
  const pause = () =>
    new Promise((resolve) => {
      const proceed = () => {
        clearTimeout(timer);
        paused.delete(proceed);
        resolve();
      };
      const timer = setTimeout(proceed, RETRY_MS * (1 + Math.random()));
      paused.add(proceed);
    });

  /** @param {string} which a path or a query */
  const get = (which) => request(`${server}/v1/stories/${code}/comments${which}`);

  /** @type {DiscussionApi["getThreads"]} */
  async function getThreads(order, query) {
    const answer = await get("?order=" + order + query);
    return bringUpToDate(reduce, story.state, { ...answer, order });
  }

  /** Running `settle` calls, by target. @type {Record<string, Promise<void> | undefined>} */
  const settling = {};
  const unsent = () => story.storage().unsent ?? {};

  /**
   * Send the last choice for a target (this story, or one of its comments) until the server replies. Choices in between
   * are skipped.
   *
   * @param {string} target
   * @param {boolean} uncertain whether an earlier message may still arrive
   */
  async function settle(target, uncertain) {
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
        // An earlier, delayed message may have arrived after this one: send the choice again.
        if (uncertain && unsent()[target] === reaction) ({ tally } = await mutate(action));
        uncertain = false;
        // Before the state changes: a draw must not show it as unsent.
        removeUnsent(target, reaction);
        applyReply(comment, reaction, optimistic, /** @type {Tally} */ (tally));
        if (!comment) story.saveToStorage({ reactions: { ...story.storage().reactions, [code]: reaction } });
      } catch (problem) {
        if (isTemporary(/** @type {any} */ (problem))) {
          uncertain = true;
          await pause();
        } else if (removeUnsent(target, reaction)) {
          if (!comment) story.set({ optimistic: null, late: false });
          throw problem;
        }
      }
    }
  }

  /**
   * Apply the server's reply to a reaction.
   *
   * @param {string | undefined} comment
   * @param {string | null} reaction
   * @param {import("../../types").State["optimistic"]} optimistic
   * @param {Tally} tally
   */
  function applyReply(comment, reaction, optimistic, tally) {
    if (comment) {
      mark(comment, reaction);
      story.dispatch({ type: "tally", story: code, comment, ...tally });
    } else {
      story.dispatch({
        type: "answered",
        // Another tab may have chosen since.
        optimistic: optimistic?.reaction === reaction ? optimistic : { reaction, counts: {} },
        tally,
      });
    }
  }

  /** Remove a choice from the unsent ones. False if another choice has replaced it. @param {string} target @param {string | null} reaction */
  function removeUnsent(target, reaction) {
    const { [target]: current, ...others } = unsent();
    if (current !== reaction) return false;
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
    onSubscribed: () => story.loadLivePart().then(wakePaused),
    setReaction(target, reaction) {
      story.saveToStorage({ unsent: { ...unsent(), [target]: reaction } });
      return (settling[target] ??= settle(target, false).finally(() => delete settling[target]));
    },
    resume() {
      for (const [target, reaction] of Object.entries(unsent())) {
        const [storyCode, comment] = target.split(" ");
        if (storyCode !== code || settling[target]) continue;
        const { optimistic, mine } = story.state;
        const shown = reaction ?? mine.reaction;
        if (comment) mark(comment, reaction);
        else if (!optimistic && shown && reaction !== mine.reaction) story.set({ optimistic: optimisticReaction(story.state, shown), late: true });
        settling[target] = settle(target, true).catch(() => {}).finally(() => delete settling[target]);
      }
    },
    getThreads,
    loadThread: createThreadLoader(story, get, reduce),
    async poll(identity) {
      const { position } = story.state;
      if (identity) {
        story.identity = identity;
        story.set({ identity: null });
        // The discussion may have failed to load so far.
        story.connection?.join(story);
      }
      try {
        /** @type {Snapshot} */
        const snapshot = await story.load(position && `&since=${position.epoch}:${position.seq}`);
        // Before the first subscription nothing defers messages.
        const receive = story.receive ?? story.dispatch;
        // It names the copy only if that hides something.
        receive({ copy: null, ...snapshot });
        snapshot.tallies?.forEach(receive);
        wakePaused();
      } catch (problem) {
        return /** @type {any} */ (problem).status > 0;
      }
      return true;
    },
  };
}
