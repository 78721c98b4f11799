/**
 * Groups the stories of a page that share one WebSocket: up to 50 of the same server. The lazy part `connection` opens it.
 *
 * @import {Discussion} from "./discussion"
 */
import { importPartWithRetry } from "./parts.js";

/** Stories per socket: the server's limit. */
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

/** Return a connection with room for one more story. @param {string} server an origin @returns {Connection} */
export const getConnection = (server) =>
  connections.find((each) => each.server === server && each.stories.size < MAX_STORIES) ??
  /** @type {Connection} */ (connections[connections.push(createConnection(server)) - 1]);

let lastRef = 0;
/** Return a message number that is unique in this page. */
export const nextRef = () => ++lastRef;

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
    // Called only for live stories, so the socket is open.
    request: (message) => /** @type {any} */ (socket).request(message),
    /** Actions are sent one after the other: the reply to the first brings the reader token of the next. @type {Promise<any>} */
    actionChain: Promise.resolve(),
  };
}
