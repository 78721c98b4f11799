/**
 * What a reader can do in a story. Deeds go by the socket while it lives, else by HTTP.
 *
 * @import {Discussion} from "../discussion"
 * @import {Line} from "../socket"
 * @import {Acts, Snapshot, Tally} from "../types"
 */
import { keyOf } from "../memory.js";
import { uuid } from "../uuid.js";

/**
 * What it borrows from the first file instead of bringing its own.
 *
 * @typedef {Pick<typeof import("../api"), "ask">
 *   & Pick<typeof import("../socket"), "nextRef">
 *   & {kept: typeof import("../memory").held}} Base
 */

/**
 * @param {Discussion} story
 * @param {Line} line
 * @param {string} server
 * @param {Base} base
 * @returns {Acts}
 */
export function actsOf(story, line, server, { ask, nextRef, kept }) {
  const path = `${server}/v1/stories/${story.code}`;
  // Asked anew: the browser's own cache sends the ETag along, a header of ours would cost a preflight.
  const fresh = /** @type {const} */ ({ cache: "no-cache" });

  /** @type {Acts["perform"]} */
  function perform(deed) {
    /** @returns {Promise<any>} */
    const send = async () => {
      const { reader } = story.memory();
      // Without a reader it is the key by which the server knows a deed that it was sent before.
      const key = reader ? undefined : uuid();
      const message = { ref: nextRef(), story: story.code, reader, key, ...deed };
      /** @type {any} */
      let answer;
      // If the socket breaks, the same deed goes by HTTP: every deed may be sent twice and counts once.
      if (story.live) answer = await line.ask(message).catch(() => {});
      // A string body goes out as `text/plain`, without a preflight, and also if the page is left meanwhile.
      answer ??= await ask(server + "/v1/actions", {
        method: "POST",
        body: JSON.stringify({ ...message, token: story.token || undefined }),
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

  /** @type {Acts["remember"]} */
  function remember(news) {
    const key = keyOf(server, story.state.story?.site);
    const memory = news ? { ...story.memory(), ...news } : {};
    kept[key] = memory;
    try {
      news ? localStorage.setItem(key, JSON.stringify(memory)) : localStorage.removeItem(key);
    } catch {}
  }

  /** @type {Acts["keep"]} */
  function keep(answer) {
    const { reader, identity, code, detail, read_only } = answer;
    if (reader) remember({ reader });
    if (identity) story.set({ identity });
    // A retired key, or a damaged token: the bare code may do. Not after one that expired or was withdrawn.
    const lapsed = code ?? read_only;
    if (lapsed === "token_invalid" && story.token) {
      story.token = null;
      story.set({ lapsed });
      line.join(story);
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

  /** What came while a comment of ours was on its way: it may be the same, with less in it. @type {any[]} */
  const held = [];
  let holding = 0;
  const { hear } = story;
  story.hear = (frame) => {
    if (holding) held.push(frame);
    else hear(frame);
  };

  return {
    perform,
    async hold(work) {
      holding++;
      try {
        return await work();
      } finally {
        if (!--holding) held.splice(0).forEach(hear);
      }
    },
    remember,
    keep,
    async choose(wish) {
      const { reaction } = wish;
      const { tally } = await perform({ type: "react", reaction });
      story.dispatch({ type: "answered", wish, tally: /** @type {Tally} */ (tally) });
      remember({ reactions: { ...story.memory().reactions, [story.code]: reaction } });
    },
    get: (which) => ask(`${path}/comments${which}`, fresh),
    async poll(identity) {
      const { position } = story.state;
      if (identity) {
        story.identity = identity;
        story.set({ identity: null });
        line.join(story);
      }
      try {
        /** @type {Snapshot} */
        const news = await ask(
          path + (position ? `?since=${position.epoch}:${position.seq}` : ""),
          fresh,
        );
        story.hear(news);
        news.tallies?.forEach((each) => story.hear(each));
      } catch (problem) {
        return /** @type {any} */ (problem).status > 0;
      }
      return true;
    },
    rejoin() {
      line.leave(story);
      line.join(story);
    },
  };
}
