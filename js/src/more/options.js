/**
 * The order of the comments, which of them are shown, ways to share, people not to be read, and being forgotten.
 *
 * @import {Frame, Tools} from "../desk"
 * @import {State} from "../types"
 */
import { copy, pageOf, sharing } from "./share.js";
import { sieveOf } from "./sieve.js";

const ORDERS = /** @type {const} */ (["newest", "oldest", "top"]);

/**
 * @param {Frame} frame
 * @param {Tools} tools
 */
export function optionsOf(frame, tools) {
  const { story, say, tell, explain } = frame;
  const { h, set, button } = tools;
  const sieves = sieveOf(frame, tools);
  /** @type {HTMLElement | undefined} */
  let panel;

  /** @param {HTMLElement} place */
  return (place) => {
    const opener = place.firstElementChild;
    if (panel?.isConnected) panel.remove();
    else {
      panel = draw(pageOf(frame));
      place.append(panel);
    }
    if (opener) set(opener, "aria-expanded", String(panel.isConnected));
  };

  /** @param {string} address @returns {HTMLElement} */
  function draw(address) {
    const { state } = story;
    const title = state.story?.title ?? document.title;
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
              story.forget();
              story.set({
                muted: [],
                mine: { reaction: null, reactions: {}, comments: {} },
                wish: null,
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

    const share = h("div", { class: "acts", role: "group", "aria-label": say("share") });
    share.append(
      h("span", null, say("share")),
      act("copy", async () => {
        if (await copy(address, share, say("copy"), tools)) tell(say("copied"), true);
      }),
      .../** @type {Node[]} */ (sharing(address, title, say, tools, act).filter(Boolean)),
    );

    return h(
      "div",
      { class: "options" },
      h("label", null, say("order"), order),
      ...sieves(),
      share,
      ...state.muted.map((name) =>
        act(
          "unmute",
          () => {
            const muted = story.state.muted.filter((each) => each !== name);
            story.remember({ muted });
            story.set({ muted });
            panel?.replaceWith((panel = draw(address)));
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
