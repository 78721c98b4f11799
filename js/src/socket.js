/**
 * The stories of a page that share a socket: all of one server, up to fifty. What opens it is a part of its own.
 *
 * @import {Discussion} from "./discussion"
 */
import { bringAtLast } from "./parts.js";

/** Stories of a socket, as the server has it. */
const MOST = 50;

/**
 * @typedef {{
 *   server: string,
 *   stories: Set<Discussion>,
 *   join: (story: Discussion) => Promise<void>,
 *   leave: (story: Discussion) => void,
 *   ask: (message: {ref: number, [field: string]: unknown}) => Promise<import("./types").Ok | import("./types").Refusal>,
 *   turn: Promise<any>,
 * }} Line
 */

/** @type {Line[]} */
const lines = [];

/** One that has room for a story. @param {string} server an origin @returns {Line} */
export const lineTo = (server) =>
  lines.find((each) => each.server === server && each.stories.size < MOST) ??
  /** @type {Line} */ (lines[lines.push(openLine(server)) - 1]);

let refs = 0;
/** A number no other message of this page has. */
export const nextRef = () => ++refs;

/** @param {string} server @returns {Line} */
function openLine(server) {
  /** @type {Set<Discussion>} */
  const stories = new Set();
  /** @type {ReturnType<typeof import("./socket/index").open> | undefined} */
  let socket;

  return {
    server,
    stories,
    async join(story) {
      stories.add(story);
      /** @type {typeof import("./socket/index")} */
      const part = await bringAtLast(server, "socket");
      socket ??= part.open(server, stories, { nextRef });
      if (stories.has(story)) socket.join(story);
    },
    leave(story) {
      if (stories.delete(story)) socket?.leave(story);
    },
    // Of a story that is live: there is a socket.
    ask: (message) => /** @type {any} */ (socket).ask(message),
    /** Deeds go one after the other: the answer to the first names the reader of the next. @type {Promise<any>} */
    turn: Promise.resolve(),
  };
}
