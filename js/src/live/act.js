/**
 * Deeds: by the socket while it lives, else by HTTP.
 *
 * @import {Discussion} from "../discussion"
 * @import {Line} from "../socket"
 */

import { uuid } from "../uuid";

/**
 * @param {Discussion} story
 * @param {Line} line
 * @param {string} server
 * @param {{
 *   ask: typeof import("../api").ask,
 *   keep: (answer: any) => void,
 *   nextRef: () => number,
 * }} base
 */
export function actFor(story, line, server, { ask, keep, nextRef }) {
  /** @param {{type: string, [field: string]: unknown}} deed */
  return (deed) => {
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
      answer ??= await ask(server + "/v1/deeds", {
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
  };
}
