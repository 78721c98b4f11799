/**
 * The order of the comments, which of them are shown, ways to share, people not to be read, and being forgotten.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 * @import {State} from "../../types"
 */
import { copy, pageOf, shareLinks } from "./share.js";
import { createFilter } from "./filter.js";

const ORDERS = /** @type {const} */ (["newest", "oldest", "top"]);

/**
 * @param {ViewContext} frame
 * @param {Shared} tools
 */
export function optionsOf(frame, tools) {
  const { story, t, tell, explain } = frame;
  const { h, set, button } = tools;
  const sieves = createFilter(frame, tools);
  /** @type {HTMLElement | undefined} */
  let panel;

  /** @param {"sort" | "share" | "data"} _what @param {HTMLElement} opener */
  return (_what, opener) => {
    if (panel?.isConnected) panel.remove();
    else {
      panel = draw(pageOf(frame));
      opener.parentElement?.after(panel);
    }
    set(opener, "aria-expanded", String(panel.isConnected));
  };

  /** @param {string} address @returns {HTMLElement} */
  function draw(address) {
    const { state } = story;
    const title = state.story?.title ?? document.title;
    const order = h(
      "select",
      { "aria-label": t("order"), onchange: () => attempt(sort) },
      ...ORDERS.map((value) =>
        h("option", { value, selected: value === state.order }, t(value)),
      ),
    );

    async function sort() {
      const value = /** @type {State["order"]} */ (order.value);
      const { threads, next } = await story.get("?order=" + value);
      story.set({ threads, next, order: value, unseen: [] });
    }

    /** @param {string} word @param {() => unknown} act @param {string} [name] */
    const act = (word, act, name = "") => button(t(word, { name }), () => attempt(act));
    const forget = h("div", { class: "actions" });
    ask();

    function ask() {
      forget.replaceChildren(
        act("forget", () => {
          forget.replaceChildren(
            h("span", { role: "alert" }, t("forgetSure")),
            act("forgetYes", async () => {
              await story.mutate({ type: "forget" });
              story.forget();
              story.set({
                muted: [],
                mine: { reaction: null, reactions: {}, comments: {} },
                optimistic: null,
              });
              story.rejoin();
              ask();
              tell(t("forgotten"), true);
            }),
            act("cancel", ask),
          );
        }),
      );
    }

    const share = h("div", { class: "actions", role: "group", "aria-label": t("share") });
    share.append(
      h("span", null, t("share")),
      act("copy", async () => {
        if (await copy(address, share, t("copy"), tools)) tell(t("copied"), true);
      }),
      .../** @type {Node[]} */ (shareLinks(address, title, t, tools, act).filter(Boolean)),
    );

    return h(
      "div",
      { class: "options" },
      h("label", null, t("order"), order),
      ...sieves(),
      share,
      ...state.muted.map((name) =>
        act(
          "unmute",
          () => {
            const muted = story.state.muted.filter((each) => each !== name);
            story.saveToStorage({ muted });
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
