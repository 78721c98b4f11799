/** Event streams, from a real HTTP server to the stories. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import test from "node:test";
import { readStream } from "../src/parts/fallback/stream.js";

/** What a browser has and Node.js has not: a document that may be hidden. */
globalThis.document = Object.assign(new EventTarget(), { hidden: false });

/** Start a server that answers one request with `answer`; return its origin and the requests. */
async function serve(t, answer) {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { origin: `http://127.0.0.1:${server.address().port}`, requests };
}

/** A story that records what it receives. */
const story = (code, rest = {}) => {
  const received = [];
  return { code, token: null, state: { position: { epoch: "e", seq: 4 } }, received, subscribed: 0, receive: (message) => received.push(message), onSubscribed() { this.subscribed++; }, ...rest };
};
const head = (response) => response.writeHead(200, { "Content-Type": "text/event-stream" });
const snapshot = (code) => ({ type: "snapshot", story: { code }, position: { epoch: "e", seq: 5 }, text: "„Ὀδυσσεύς“ 🙂" });
const event = (message) => `id: C:e:5\ndata: ${JSON.stringify(message)}\n\n`;
const read = (origin, stories, isWanted = () => true) => {
  const refused = [];
  return readStream(origin, stories, isWanted, (each) => refused.push(each.code)).then((end) => ({ ...end, refused }));
};
const FAILED = { changed: false, began: false, proven: false, retryMs: undefined, refused: [] };

test("every message arrives whole and once at its story, wherever the response is cut into pieces", async (t) => {
  const messages = [snapshot("A"), snapshot("B"), { type: "tally", story: "A", version: 2, counts: {} }, { type: "comment", story: "B", comment: { text: "a\n\nb" } }];
  const bytes = Buffer.from(`: keepalive\n\n${messages.map(event).join(": keepalive\n\n")}`);
  const { origin } = await serve(t, async (response) => {
    head(response);
    response.socket.setNoDelay(true);
    for (const byte of bytes) {
      await new Promise((sent) => response.write(Buffer.from([byte]), sent));
    }
    response.end();
  });
  const [a, b] = [story("A"), story("B")];
  assert.deepEqual(await read(origin, [a, b]), { ...FAILED, began: true });
  assert.deepEqual(a.received, [messages[0], messages[2]]);
  assert.deepEqual(b.received, [messages[1], messages[3]]);
  assert.deepEqual([a.subscribed, b.subscribed], [1, 1]);
});

test("one request names all stories with their positions, and sends neither cookies nor headers that need a preflight", async (t) => {
  const { origin, requests } = await serve(t, (response) => head(response).end());
  await read(origin, [story("A"), story("B", { state: { position: { epoch: "f", seq: 7 } } })]);
  assert.deepEqual(requests.map(({ url }) => url), ["/v1/stories/A/events?story=B&since=A:e:4&since=B:f:7&copy=A:&copy=B:"]);
  assert.equal(requests[0].headers.cookie, undefined);
  assert.equal(requests[0].headers["last-event-id"], undefined);
});

test("a server that shuts down says when to reconnect", async (t) => {
  const { origin } = await serve(t, (response) => head(response).end(event(snapshot("A")) + 'retry: 1200\n\ndata: {"type":"goodbye","retry_after_ms":1200}\n\n'));
  assert.deepEqual(await read(origin, [story("A")]), { ...FAILED, began: true, retryMs: 1200 });
});

test("a story that may not be read is refused, and gets the error if it has no token for a socket", async (t) => {
  const error = (code) => ({ type: "error", story: code, code: "not_permitted", detail: "No." });
  const { origin } = await serve(t, (response) => head(response).end(event(error("A")) + event(error("B")) + event(snapshot("C"))));
  const [a, b, c] = [story("A"), story("B", { token: "w1" }), story("C")];
  assert.deepEqual((await read(origin, [a, b, c])).refused, ["A", "B"]);
  assert.deepEqual(a.received, [error("A")]);
  assert.deepEqual(b.received, []);
  assert.equal(c.received.length, 1);
});

test("a rejecting status is that of the first story, and the others go on without it", async (t) => {
  const problem = { type: "about:blank", status: 403, code: "origin_not_allowed", detail: "Shut out." };
  const { origin } = await serve(t, (response) => response.writeHead(403, { "Content-Type": "application/problem+json" }).end(JSON.stringify(problem)));
  const [a, b] = [story("A"), story("B")];
  assert.deepEqual(await read(origin, [a, b]), { ...FAILED, changed: true, refused: ["A"] });
  assert.deepEqual(a.received.map(({ type, code }) => [type, code]), [["error", "origin_not_allowed"]]);
  assert.deepEqual(b.received, []);
});

for (const [what, answer] of [
  ["an error that passes", (response) => head(response).end(event({ type: "error", story: "A", code: "unavailable", detail: "Later." }))],
  ["too many connections of the network", (response) => response.writeHead(429).end(JSON.stringify({ code: "rate_limited" }))],
  ["a proxy's own page", (response) => response.writeHead(403, { "Content-Type": "text/html" }).end("<h1>Blocked</h1>")],
  ["a proxy's own page with status 200", (response) => response.end("<h1>Sign in</h1>\n\n<p>data: no</p>")],
  ["a response that is cut", (response) => head(response).write(event(snapshot("B")), () => response.destroy())],
]) {
  test(`${what} is a stream that failed, and no end of the discussion`, async (t) => {
    const { origin } = await serve(t, answer);
    const a = story("A");
    assert.deepEqual(await read(origin, [a]), FAILED);
    assert.deepEqual(a.received, []);
  });
}

test("the stream is closed at once when the page is hidden, and within a second when its stories change", async (t) => {
  let closed;
  const { origin } = await serve(t, (response, request) => {
    closed = once(request.socket, "close");
    head(response).write(event(snapshot("A")));
  });
  let wanted = true;
  const isWanted = () => wanted;
  for (const change of [() => document.dispatchEvent(new Event("visibilitychange")), () => {}]) {
    wanted = true;
    const a = story("A", { onSubscribed() {
      wanted = false;
      change();
    } });
    assert.deepEqual(await read(origin, [a], isWanted), { ...FAILED, began: true, changed: true });
    await closed;
  }
});

test("a response that a proxy keeps back is given up after eight seconds, one that falls silent after forty", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval", "Date"] });
  /** Pass seconds until the stream ends; return how many. */
  const seconds = async (reading) => {
    let n = 0;
    const stop = reading.then(() => "ended");
    for (;;) {
      if ((await Promise.race([stop, new Promise((next) => setImmediate(next))])) === "ended") return n;
      t.mock.timers.tick(1_000);
      n++;
    }
  };
  const kept = await serve(t, (response) => head(response).flushHeaders());
  const keptBack = read(kept.origin, [story("A")]);
  const first = await seconds(keptBack);
  assert.ok(first >= 8 && first <= 12, String(first));
  const silent = await serve(t, (response) => head(response).write(event(snapshot("A"))));
  let started;
  const subscribed = new Promise((done) => (started = done));
  const reading = read(silent.origin, [story("A", { onSubscribed: started })]);
  await subscribed;
  const later = await seconds(reading);
  assert.ok(later >= 40 && later <= 44, String(later));
  assert.deepEqual([await keptBack, await reading], [FAILED, FAILED]);
});

test("a byte that arrives later proves that nothing keeps the response back", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval", "Date"] });
  let response;
  const { origin } = await serve(t, (answer) => {
    response = answer;
    head(response).write(event(snapshot("A")));
  });
  let started;
  const subscribed = new Promise((done) => (started = done));
  const reading = read(origin, [story("A", { onSubscribed: started })]);
  await subscribed;
  t.mock.timers.tick(15_000);
  response.end(": keepalive\n\n");
  assert.deepEqual(await reading, { ...FAILED, began: true, proven: true });
});
