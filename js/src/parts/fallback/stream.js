/**
 * Server-Sent Events of several stories in one response (docs/developers/protocol.md), read with `fetch`: `EventSource` would
 * send the cookies of the server's own pages, and tells neither the status of a response nor that a proxy keeps it back.
 *
 * @import {Discussion} from "../../discussion"
 */

/** Without a byte for this long before all first snapshots arrived, a proxy keeps the response back. */
const FIRST_MS = 8_000;
/** Without a byte for this long the connection is dead: the server sends a comment after 15 s without an event. */
const SILENCE_MS = 40_000;
/** A byte that arrives later than this after the request shows that nothing keeps the response back. */
const PROVEN_MS = 10_000;
/** Interval of the checks. */
const CHECK_INTERVAL_MS = 1_000;

/** Error codes that end one story's part of the stream: the others go on without it. */
const FATAL = /not_|token_/;

/**
 * How a stream ended. `changed`: it is not wanted as it was. `began`: every story arrived, and it did not end in silence.
 * `proven`: it carried bytes for a while. `retryMs`: the server asked the client to reconnect after that time.
 *
 * @typedef {{changed: boolean, began: boolean, proven: boolean, retryMs: number | undefined}} End
 */

/**
 * Apply the events of one stream until it ends, breaks or is not wanted. Every story continues at its position.
 *
 * @param {string} server an origin
 * @param {Discussion[]} stories drawn ones, at least one
 * @param {() => boolean} isWanted called each second and when the page is hidden; the stream is closed if it returns false
 * @param {(story: Discussion) => void} refuse called with a story that may not be read without its token
 * @returns {Promise<End>}
 */
export async function readStream(server, stories, isWanted, refuse) {
  const control = new AbortController();
  const { signal } = control;
  /** Stories without a snapshot from this stream. */
  const waiting = new Set(stories);
  const opened = Date.now();
  let heard = opened;
  /** @type {End} */
  const end = { changed: false, began: false, proven: false, retryMs: undefined };
  const isSilent = () => Date.now() - heard > (waiting.size ? FIRST_MS : SILENCE_MS);

  function check() {
    end.changed = !isWanted();
    if (end.changed || isSilent()) control.abort();
  }

  /** @param {any} message a server message */
  function take(message) {
    const { type, story, code } = message;
    if (type === "goodbye") end.retryMs = message.retry_after_ms;
    for (const each of stories) {
      if (each.code !== (story?.code ?? story)) continue;
      if (type === "error") {
        if (!FATAL.test(code)) throw message;
        refuse(each);
        // With its token the story may still be read, over a socket.
        if (each.token) continue;
      }
      each.receive(message);
      if (type === "snapshot" && waiting.delete(each)) each.onSubscribed?.();
    }
  }

  const timer = setInterval(check, CHECK_INTERVAL_MS);
  // At once: a page in the back/forward cache has no open response.
  document.addEventListener("visibilitychange", check, { signal });
  try {
    const response = await fetch(address(server, stories), { credentials: "omit", cache: "no-store", signal });
    if (response.ok) {
      const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
      const decoder = new TextDecoder();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        heard = Date.now();
        end.proven ||= heard - opened > PROVEN_MS;
        const events = (text + decoder.decode(value, { stream: true })).split("\n\n");
        text = /** @type {string} */ (events.pop());
        for (const event of events) {
          const data = /^data: (.+)/m.exec(event);
          if (data) take(JSON.parse(/** @type {string} */ (data[1])));
        }
      }
    } else {
      // The status is that of the first story.
      take({ ...(await response.json()), type: "error", story: stories[0]?.code });
      end.changed = true;
    }
  } catch {
    // Aborted, broken, or not a stream of this server.
  }
  end.began = !waiting.size && !isSilent();
  clearInterval(timer);
  control.abort();
  return end;
}

/** Return the address of a stream: the event ids of all positions, and the handles of the copies. @param {string} server @param {Discussion[]} stories */
function address(server, stories) {
  const [first, ...others] = stories.map(({ code }) => code);
  const query = [
    ...others.map((code) => "story=" + code),
    ...stories.map(({ code, state: { position } }) => `since=${code}:${position?.epoch}:${position?.seq}`),
    ...stories.map(({ code, token }) => `copy=${code}:${token?.slice(-9) ?? ""}`),
  ];
  return `${server}/v1/stories/${first}/events?${query.join("&")}`;
}
