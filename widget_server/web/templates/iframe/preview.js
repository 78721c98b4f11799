// Previews in the dashboard: show the widget with settings that are not saved yet, and send nothing that a reader does.
//
// The settings stand in the address behind "#", which no server receives: {settings, can}. The dashboard changes that part
// while its form is filled. Fetch and WebSocket are wrapped before the widget is loaded. The page's policy lets the dashboard
// alone frame it. Opened by itself, it shows what is stored.
"use strict";
(() => {
  const PATH = /^\/v1\/stories\/\w+$/;
  const ALL = ["read", "react", "comment"];
  /** About as long as a server takes: the widget shows a choice as not confirmed meanwhile. */
  const ANSWER_MS = 200;
  const NOT_SENT = { type: "error", code: "not_permitted", detail: "This is a preview. Nothing is sent." };

  /** The last snapshot and the newest tally of the story. */
  let snapshot, tally;
  /** The reaction chosen in this preview, and how often it was changed. */
  let own = null;
  let changes = 0;
  /** Pass a message to the widget as if the socket had received it. */
  let receive = () => location.reload();

  function asked() {
    if (parent === window) return {};
    try {
      return JSON.parse(decodeURIComponent(location.hash.slice(1))) ?? {};
    } catch {
      return {};
    }
  }

  /** Return a message of the server as the preview shows it. */
  function previewed(message) {
    const { settings, can = ALL } = asked();
    if (message.type === "tally" && !message.comment) tally = message;
    if (message.tally && message.type === "snapshot") tally = message.tally;
    const shown = message.settings && settings ? { ...message, settings } : message;
    if (message.type !== "snapshot") return shown;
    snapshot = message;
    // The token of a preview only reads. The preview shows what readers of the copy may do.
    return message.read_only ? shown : { ...shown, can };
  }

  /** Answer an action of the reader without sending it. */
  function answer({ type, ref, reaction, comment }) {
    if (type !== "react" || comment || !tally) return { ...NOT_SENT, ref };
    const counts = { ...tally.counts };
    if (own) counts[own]--;
    if (reaction) counts[reaction] = (counts[reaction] ?? 0) + 1;
    own = reaction;
    // Newer than the last tally, older than the next one.
    tally = { version: Math.floor(tally.version) + 1 - 1 / (++changes + 1), counts };
    return { type: "ok", ref, tally };
  }

  const load = window.fetch;
  window.fetch = async (input, init) => {
    if (init?.method === "POST") return Response.json(answer(JSON.parse(init.body)));
    const response = await load(input, init);
    if (!response.ok || !PATH.test(new URL(input, location.href).pathname)) return response;
    return new Response(JSON.stringify(previewed(await response.json())), response);
  };

  window.WebSocket = class extends WebSocket {
    set onmessage(listener) {
      const pass = (message) => listener({ data: JSON.stringify(message) });
      super.onmessage = ({ data }) => pass(previewed(JSON.parse(data)));
      receive = pass;
    }

    send(text) {
      const message = JSON.parse(text);
      if (/^(un)?subscribe$|^visible$/.test(message.type)) super.send(text);
      else setTimeout(() => receive(answer(message)), ANSWER_MS);
    }
  };

  // The widget loads what only a few readers need when the pointer comes near. Here it is needed at once.
  addEventListener("story-widget:ready", ({ target }) => {
    const near = target.shadowRoot?.querySelector("[part=reactions]");
    near?.dispatchEvent(new Event("pointerover", { bubbles: true }));
  });

  addEventListener("hashchange", () => {
    if (!snapshot) return location.reload();
    const { ref, comments, ...rest } = snapshot;
    const mine = { reaction: own, reactions: {}, comments: [] };
    receive(previewed({ ...rest, resumed: true, changes: [], tally, mine }));
  });
})();
