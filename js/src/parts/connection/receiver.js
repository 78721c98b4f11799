/**
 * Processes the messages of a story's socket and the replies to its polls.
 *
 * @import {Discussion} from "../../discussion"
 * @import {Receiver} from "../../types"
 */

/** Error codes that end the whole discussion on this page, not only one action. */
const FATAL = /not_|token_/;

/** Create the receiver of a story. @param {Discussion} story @returns {Receiver} */
export function createReceiver(story) {
  /** Messages that arrived while `deferIncoming` runs. @type {any[]} */
  const incoming = [];
  let deferring = 0;

  return {
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
      } else if (FATAL.test((answer.code ??= "token_invalid"))) story.fail(answer);
      else story.onUnreachable();
    },
    receive(message) {
      deferring ? incoming.push(message) : apply(message);
    },
    async deferIncoming(work) {
      deferring++;
      try {
        return await work();
      } finally {
        if (!--deferring) incoming.splice(0).forEach(apply);
      }
    },
  };

  /** @param {any} message a server message or a snapshot */
  function apply(message) {
    // Fields for this reader only.
    if (message.reader || message.read_only) story.loadLivePart().then(() => story.onPersonalAnswer(message), () => {});
    // The subscription to this story was ended by the server; others on the socket go on.
    if (message.type === "error") story.fail(message);
    else if (message.type === "copy.older") story.set({ older: message.url ? message : null });
    else story.dispatch(message);
  }
}
