/**
 * What a story does with the messages of its socket, and with answers to its polls.
 *
 * @import {Discussion} from "../../discussion"
 * @import {Receiver} from "../../types"
 */

/** Refusals of a whole copy, not of one action. */
const FATAL = /not_|token_/;

/** @param {Discussion} story @returns {Receiver} */
export function createReceiver(story) {
  /** Messages that arrived while `deferIncoming` runs. @type {any[]} */
  const incoming = [];
  let deferring = 0;

  return {
    subscribed(answer) {
      if (answer.type === "snapshot" && answer.story.code === story.code) {
        story.live = true;
        // From here on the reader token speaks for the person.
        story.spent = story.identity;
        // Who acted meanwhile has become someone, of whom this answer does not know.
        if (story.requestedReader !== story.storage().reader) delete answer.mine;
        apply(answer);
        story.onSubscribed?.();
        // What answers with another story is no token of this one.
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
    else story.dispatch(message);
  }
}
