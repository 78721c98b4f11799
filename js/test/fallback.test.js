/** When the stories of a page without a socket are streamed and polled, against a real HTTP server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import test from "node:test";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

/** What a browser has and Node.js has not. */
globalThis.document = Object.assign(new EventTarget(), { hidden: false });
const page = new EventTarget();
globalThis.addEventListener = page.addEventListener.bind(page);
const browser = { connection: { saveData: false } };
Object.defineProperty(globalThis, "navigator", { value: browser, configurable: true });

/** The clock of the part alone: `fetch` has timers of its own. */
const clock = {
  time: 0,
  timers: new Set(),
  now: () => clock.time,
  random: () => 0.5,
  setTimeout(work, ms, every) {
    const timer = { at: clock.time + ms, work, every };
    clock.timers.add(timer);
    return timer;
  },
  setInterval: (work, ms) => clock.setTimeout(work, ms, ms),
  clear: (timer) => clock.timers.delete(timer),
  tick(ms) {
    clock.time += ms;
    for (const timer of [...clock.timers]) {
      if (timer.at > clock.time || !clock.timers.has(timer)) continue;
      if (timer.every) timer.at += timer.every;
      else clock.timers.delete(timer);
      timer.work();
    }
  },
};
globalThis.clock = clock;
const built = await esbuild.build({
  entryPoints: [fileURLToPath(new URL("../src/parts/fallback/index.js", import.meta.url))],
  bundle: true,
  write: false,
  format: "esm",
  define: {
    setTimeout: "clock.setTimeout",
    clearTimeout: "clock.clear",
    setInterval: "clock.setInterval",
    clearInterval: "clock.clear",
    "Date.now": "clock.now",
    "Math.random": "clock.random",
  },
});
const { startFallback } = await import("data:text/javascript," + encodeURIComponent(built.outputFiles[0].text));

/** Requests without an answer yet. */
let underWay = 0;
const { fetch } = globalThis;
globalThis.fetch = (...request) => {
  underWay++;
  return fetch(...request).finally(() => underWay--);
};

const MINUTE = 60;
const snapshot = (code) => `data: {"type":"snapshot","story":{"code":"${code}"}}\n\n`;

/**
 * Start a server and the fallback of two stories in front of it. `streams` holds the open streams, `asked` what was
 * requested: `poll`, `stream` and, for attempts to open a socket, `socket`.
 */
async function begin(t) {
  const asked = [];
  const streams = new Set();
  const state = { streaming: true, down: false };
  const server = createServer((request, response) => {
    const isStream = request.url.includes("/events?");
    asked.push(isStream ? "stream" : "poll");
    if (state.down) return void request.socket.destroy();
    if (!isStream) return void response.end("{}");
    if (!state.streaming) return void response.writeHead(502).end();
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(["A", "B"].map(snapshot).join(""));
    streams.add(response);
    response.on("close", () => streams.delete(response));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${server.address().port}`;
  const stories = new Set(
    ["A", "B"].map((code) => ({
      code,
      token: null,
      live: false,
      state: { story: { code }, position: { epoch: "e", seq: 1 } },
      receive() {},
      loadLivePart: async () => {},
      poll: () => globalThis.fetch(`${origin}/v1/stories/${code}`).then(() => true, () => false),
    })),
  );
  let ended = false;
  startFallback(origin, stories, (tries) => asked.push("socket " + tries)).then(() => (ended = true));
  /** Let the network and the promises go on until nothing is under way, then pass a second; `n` times. */
  const pass = async (n = 0) => {
    for (let second = 0; ; second++) {
      for (let turn = 0; turn < 20 || underWay; turn++) await new Promise((next) => setImmediate(next));
      if (second >= n) return;
      for (const response of streams) response.write(": keepalive\n\n");
      clock.tick(1_000);
    }
  };
  const taken = () => asked.splice(0);
  const until = async (condition) => {
    for (let turn = 0; !condition(); turn++) {
      assert.ok(turn < 2_000, `${condition} after ${asked}`);
      await pass();
    }
  };
  return { asked, streams, state, stories, pass, taken, until, ended: () => ended };
}

test("the stories are polled once and then streamed, until all have a socket", async (t) => {
  const { asked, streams, stories, pass, taken, until, ended } = await begin(t);
  await until(() => streams.size === 1);
  assert.deepEqual(taken(), ["poll", "poll", "stream"]);
  await pass(2 * MINUTE);
  assert.deepEqual(asked, []);
  for (const story of stories) story.live = true;
  await pass(2);
  await until(() => streams.size === 0);
  // It looks again at the time of the next poll.
  await pass(30);
  await until(ended);
  assert.deepEqual(asked, []);
});

test("a story whose subscription alone fails is polled beside the others' socket", async (t) => {
  const { stories, pass, taken, until, asked } = await begin(t);
  [...stories][0].live = true;
  await until(() => asked.includes("poll"));
  await pass(MINUTE);
  assert.ok(!taken().includes("stream"));
});

test("with Save-Data the stories are polled", async (t) => {
  browser.connection.saveData = true;
  t.after(() => (browser.connection.saveData = false));
  const { pass, taken } = await begin(t);
  await pass(MINUTE);
  assert.deepEqual(new Set(taken()), new Set(["poll"]));
});

test("where streams never work two are tried, then again with a socket ten minutes later or when the browser is online again", async (t) => {
  const { state, pass, taken, until, streams } = await begin(t);
  state.streaming = false;
  await pass(9 * MINUTE);
  assert.equal(taken().filter((each) => each === "stream").length, 2);
  await pass(2 * MINUTE);
  const later = taken();
  assert.ok(later.includes("socket 1"));
  assert.equal(later.filter((each) => each === "stream").length, 2);
  state.streaming = true;
  page.dispatchEvent(new Event("online"));
  await until(() => streams.size === 1);
});

test("where a stream has worked, one is tried with each poll", async (t) => {
  const { state, streams, pass, taken, until } = await begin(t);
  await until(() => streams.size === 1);
  // It is cut at once.
  state.streaming = false;
  for (const response of streams) response.destroy();
  await pass(2 * MINUTE);
  assert.ok(taken().filter((each) => each === "stream").length >= 4);
  state.streaming = true;
  await pass(30);
  await until(() => streams.size === 1);
});

test("when the server is back the socket is tried first, and the stream if it is still not there", async (t) => {
  const { state, streams, pass, taken, until } = await begin(t);
  await until(() => streams.size === 1);
  await pass(30);
  state.down = true;
  for (const response of streams) response.destroy();
  await pass(MINUTE);
  state.down = false;
  taken();
  await pass(MINUTE);
  await until(() => streams.size === 1);
  const back = taken();
  assert.ok(back.indexOf("socket 0") > back.indexOf("poll"));
  assert.ok(back.indexOf("stream") > back.indexOf("socket 0"));
});

test("a hidden page asks for nothing; shown after a minute it tries a socket, polls and streams", async (t) => {
  const { streams, pass, taken, until } = await begin(t);
  await until(() => streams.size === 1);
  taken();
  document.hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  await until(() => streams.size === 0);
  await pass(5 * MINUTE);
  assert.deepEqual(taken(), []);
  document.hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  await until(() => streams.size === 1);
  assert.deepEqual(taken(), ["socket 1", "poll", "poll", "stream"]);
});
