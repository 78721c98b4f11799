/**
 * The stories of a page that share a socket: all of one server, up to fifty. What opens it is a part of its own.
 *
 * @import {Discussion} from "./discussion"
 */
import { importPartWithRetry } from "./parts.js";

/** Stories of a socket, as the server has it. */
const MAX_STORIES = 50;

/**
 * @typedef {{
 *   server: string,
 *   stories: Set<Discussion>,
 *   join: (story: Discussion) => Promise<void>,
 *   leave: (story: Discussion) => void,
 *   request: (message: {ref: number, [field: string]: unknown}) => Promise<import("./types").Ok | import("./types").ErrorMessage>,
 *   actionChain: Promise<any>,
 * }} Connection
 */

/** @type {Connection[]} */
const connections = [];

/** One that has room for a story. @param {string} server an origin @returns {Connection} */
export const getConnection = (server) =>
  connections.find((each) => each.server === server && each.stories.size < MAX_STORIES) ??
  /** @type {Connection} */ (connections[connections.push(createConnection(server)) - 1]);

let refs = 0;
/** A number no other message of this page has. */
export const nextRef = () => ++refs;

/** @param {string} server @returns {Connection} */
function createConnection(server) {
  /** @type {Set<Discussion>} */
  const stories = new Set();
  /** @type {ReturnType<typeof import("./parts/connection/index").open> | undefined} */
  let socket;

  return {
    server,
    stories,
    async join(story) {
      stories.add(story);
      /** @type {typeof import("./parts/connection/index")} */
      const part = await importPartWithRetry(server, "connection");
      socket ??= part.open(server, stories, { nextRef });
      if (stories.has(story)) socket.join(story);
    },
    leave(story) {
      if (stories.delete(story)) socket?.leave(story);
    },
    // Of a story that is live: there is a socket.
    request: (message) => /** @type {any} */ (socket).request(message),
    /** Actions go one after the other: the answer to the first names the reader of the next. @type {Promise<any>} */
    actionChain: Promise.resolve(),
  };
}
