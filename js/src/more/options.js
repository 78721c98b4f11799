/**
 * The order of the comments, ways to share, people not to be read, and being forgotten.
 *
 * @import {Frame, Tools} from "../desk"
 * @import {State} from "../types"
 */

/** Plain links: nothing of theirs runs here. @type {[string, (url: string, text: string) => string][]} */
const PLACES = [
  ["Facebook", (url) => "www.facebook.com/sharer/sharer.php?u=" + url],
  ["X", (url, text) => `x.com/intent/post?url=${url}&text=${text}`],
  ["Bluesky", (url, text) => `bsky.app/intent/compose?text=${text}%20${url}`],
  ["WhatsApp", (url, text) => `wa.me/?text=${text}%20${url}`],
];
const ORDERS = /** @type {const} */ (["newest", "oldest", "top"]);

/**
 * @param {Frame} frame
 * @param {Tools} tools
 */
export function optionsOf({ story, say, tell, explain }, { h, set, button }) {
  /** @type {HTMLElement | undefined} */
  let panel;

  /** @param {HTMLElement} place */
  return (place) => {
    const opener = place.firstElementChild;
    if (panel?.isConnected) panel.remove();
    else {
      panel = draw();
      place.append(panel);
    }
    if (opener) set(opener, "aria-expanded", String(panel.isConnected));
  };

  function draw() {
    const { state } = story;
    const address = location.href.split("#")[0] ?? "";
    const title = state.story?.title ?? document.title;
    const [url, text] = [address, title].map(encodeURIComponent);
    const order = h(
      "select",
      { "aria-label": say("order"), onchange: () => attempt(sort) },
      ...ORDERS.map((value) =>
        h("option", { value, selected: value === state.order }, say(value)),
      ),
    );

    async function sort() {
      const value = /** @type {State["order"]} */ (order.value);
      const { threads, next } = await story.get("?order=" + value);
      story.set({ threads, next, order: value, fresh: [] });
    }

    /** @param {string} href @param {string} name */
    const link = (href, name) => h("a", { href, target: "_blank", rel: "noopener" }, name);
    const server = h("input", { "aria-label": say("mastodon"), placeholder: "mastodon.social" });
    /** @param {string} word @param {() => unknown} act @param {string} [name] */
    const act = (word, act, name = "") => button(say(word, { name }), () => attempt(act));
    const forget = h("div", { class: "acts" });
    ask();

    function ask() {
      forget.replaceChildren(
        act("forget", () => {
          forget.replaceChildren(
            h("span", { role: "alert" }, say("forgetSure")),
            act("forgetYes", async () => {
              await story.perform({ type: "forget" });
              story.remember(null);
              story.set({
                muted: [],
                mine: { reaction: null, reactions: {}, comments: {} },
              });
              story.rejoin();
              ask();
              tell(say("forgotten"), true);
            }),
            act("cancel", ask),
          );
        }),
      );
    }

    return h(
      "div",
      { class: "options" },
      h("label", null, say("order"), order),
      h(
        "div",
        { class: "acts", role: "group", "aria-label": say("share") },
        h("span", null, say("share")),
        act("copy", async () => {
          await navigator.clipboard.writeText(address);
          tell(say("copied"), true);
        }),
        typeof navigator.share === "function" &&
          act("send", () => navigator.share({ title, url: address }).catch(() => {})),
        ...PLACES.map(([name, to]) => link("https://" + to(url ?? "", text ?? ""), name)),
        link(`mailto:?subject=${text}&body=${url}`, say("mail")),
        server,
        button("Mastodon", () => {
          const host = server.value.trim().replace(/^https?:\/\//, "") || server.placeholder;
          open(`https://${host}/share?text=${text}%20${url}`, "_blank", "noopener");
        }),
      ),
      ...state.muted.map((name) =>
        act(
          "unmute",
          () => {
            const muted = story.state.muted.filter((each) => each !== name);
            story.remember({ muted });
            story.set({ muted });
            panel?.replaceWith((panel = draw()));
          },
          name,
        ),
      ),
      forget,
    );
  }

  /** @param {() => unknown} act */
  async function attempt(act) {
    try {
      await act();
    } catch (problem) {
      tell(explain(problem), true);
    }
  }
}
