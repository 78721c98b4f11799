/**
 * What a reader can do in a story. Deeds go by the socket while it lives, else by HTTP.
 *
 * @import {Discussion} from "../discussion"
 * @import {Line} from "../socket"
 * @import {Acts, Snapshot, Tally} from "../types"
 */
import { keyOf } from "../memory.js";
import { uuid } from "../uuid.js";
import { branchOf } from "./branch.js";

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
    const done = line.turn.then(async () => {
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
      keep(answer);
      if (answer.type === "error") throw answer;
      return answer;
    });
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
  function keep({ reader }) {
    if (reader) remember({ reader });
  }

  /** @type {Acts["get"]} */
  const get = (which) => ask(`${path}/comments${which}`, fresh);

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
    get,
    branch: branchOf(story, get),
    async poll() {
      const { position } = story.state;
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
