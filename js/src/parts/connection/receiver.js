/**
 * Processes the messages of a story's socket and the replies to its polls.
 *
 * @import {Discussion} from "../../discussion"
 * @import {Receiver} from "../../types"
 */

/** Error codes that end the whole discussion on this page, not only one action. */
const FATAL = /not_|token_/;

/**
 * Create the receiver of a story.
 *
 * @param {Discussion} story
 * @param {Parameters<Discussion["loadLivePart"]>[0]} retry loads a part until it is there
 * @returns {Receiver}
 */
export function createReceiver(story, retry) {
  /** Messages that arrived while `deferIncoming` runs. @type {any[]} */
  const incoming = [];
  let deferring = 0;

  return {
    fail,
    deferIncoming,
    subscribed(answer) {
      if (answer.type === "snapshot" && answer.story.code === story.code) {
        story.live = true;
        // From now on the reader token identifies the reader.
        story.spent = story.identity;
        // An action sent meanwhile created a new reader token: `mine` belongs to the old one.
        if (story.requestedReader !== story.storage().reader) delete answer.mine;
        apply(answer);
        story.onSubscribed?.();
        // A snapshot of another story: the token belongs to that one.
      } else if (FATAL.test((answer.code ??= "token_invalid"))) fail(answer);
      else story.onUnreachable();
    },
    receive(message) {
      deferring ? incoming.push(message) : apply(message);
    },
  };

  /** @type {Receiver["deferIncoming"]} */
  async function deferIncoming(work) {
    deferring++;
    try {
      return await work();
    } finally {
      if (!--deferring) incoming.splice(0).forEach(apply);
    }
  }

  /** @type {Receiver["fail"]} */
  async function fail(error) {
    // Leave first, so that the story is not subscribed again meanwhile.
    story.connection.leave(story);
    if (!(await story.loadLivePart().then(() => story.onPersonalAnswer(error), () => {}))) story.set({ error });
  }

  /** @param {any} message a server message or a snapshot */
  function apply(message) {
    // Fields for this reader only.
    if (message.reader || message.read_only) story.loadLivePart().then(() => story.onPersonalAnswer(message), () => {});
    // The subscription to this story was ended by the server; others on the socket go on.
    if (message.type === "error") fail(message);
    else if (message.type === "copy.older") story.set({ older: message.url ? message : null });
    else if (!story.dispatch(message)) {
      incoming.push(message);
      deferIncoming(() => story.loadLivePart(retry));
    }
  }
}
