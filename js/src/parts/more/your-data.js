/**
 * Panel “Your data”: what is stored about the reader, their comments, the muted names, and deletion.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 */
import { storageKey } from "../../storage.js";

/** Characters of a comment that name it in the list. */
const EXCERPT = 60;

/**
 * Open the panel below a button, or close it.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @param {HTMLElement} opener
 * @param {(id: string) => unknown} go focuses a comment
 */
export function yourData(context, { h, set, button, newId }, opener, go) {
  const { story, t, tell, explain } = context;
  if (opener.getAttribute("aria-expanded") === "true") {
    set(opener, "aria-expanded", "false");
    return opener.parentElement?.nextElementSibling?.remove();
  }
  const id = newId();
  const panel = h("div", { class: "panel", role: "group", "aria-labelledby": id, onkeydown });

  /** @param {KeyboardEvent} event */
  function onkeydown({ key }) {
    if (key === "Escape") close();
  }

  function close() {
    set(opener, "aria-expanded", "false");
    opener.focus();
    panel.remove();
  }

  /** @param {string} key @param {() => unknown} act @param {string} style @param {string} [name] */
  const act = (key, act, style, name = "") =>
    button(
      t(key, { name }),
      async () => {
        try {
          await act();
        } catch (problem) {
          tell(explain(problem), true);
        }
      },
      { class: style },
    );

  /** @param {string} title @param {string} text @param {...(Node | false)} children */
  function fill(title, text, ...children) {
    panel.replaceChildren(
      h("b", { id }, title),
      h("p", { class: "small" }, text),
      .../** @type {Node[]} */ (children.filter(Boolean)),
    );
  }

  function overview() {
    const { mine, muted, optimistic } = story.state;
    const stored = story.storage();
    const { name, reactions, drafts, queue, reader, first } = stored;
    const comments = Object.entries(mine.comments);
    // A choice that is on its way is stored already.
    const chosen = { ...reactions, ...mine.reactions, [story.code]: (optimistic ?? mine).reaction };
    const n = Object.values(chosen).filter(Boolean).length;
    const list = [
      name && t("storedName", { name }),
      n && t("storedReactions", { n }),
      comments[0] && t("comments", { n: comments.length }),
      (drafts || queue) && t("storedDraft"),
      (reader || first) && t("storedKey"),
    ].filter(Boolean);
    const items = new Intl.ListFormat(t("lang")).format(/** @type {string[]} */ (list));
    fill(
      t("data"),
      list[0] ? t("stored", { items }) : t("storedNothing"),
      ...(comments[0]
        ? [
            h("p", { class: "small" }, t("ownComments")),
            h(
              "div",
              { class: "chips" },
              ...comments.filter(([, { body }]) => body).map(([id, { body }]) => {
                const text = body.replace(/\s+/g, " ");
                const short = text.length > EXCERPT ? text.slice(0, EXCERPT) + "…" : text;
                return button(short, () => go(id), { class: "filter", dir: "auto" });
              }),
            ),
          ]
        : []),
      ...(context.ownHints?.() ?? []),
      muted[0] !== undefined &&
        h(
          "div",
          { class: "chips" },
          ...muted.map((name) =>
            act(
              "unmute",
              () => {
                const muted = story.state.muted.filter((each) => each !== name);
                story.saveToStorage({ muted });
                story.set({ muted });
                overview();
                panel.querySelector("button")?.focus();
              },
              "filter",
              name,
            ),
          ),
        ),
      !!Object.keys(stored)[0] && act("forget", ask, "outline forget"),
    );
  }

  function ask() {
    const publisher = story.state.story?.publisher ?? t("publisher");
    const keep = act(
      "keep",
      () => {
        overview();
        /** @type {HTMLElement | null} */ (panel.querySelector(".forget"))?.focus();
      },
      "outline",
    );
    const yes = act("forgetYes", forget, "danger");
    fill(t("forgetSure"), t("forgetWhat", { publisher }), h("div", { class: "row" }, yes, keep));
    keep.focus();
  }

  async function forget() {
    await story.mutate({ type: "forget" });
    const all = story.storage();
    story.saveToStorage(Object.fromEntries(Object.keys(all).map((name) => [name, undefined])));
    try {
      localStorage.removeItem(storageKey(story.server, story.state.story?.site));
    } catch {}
    // The banned stay the same reader.
    if (story.state.ban) story.saveToStorage({ reader: all.reader });
    story.set({ muted: [], mine: { reaction: null, reactions: {}, comments: {} }, optimistic: null });
    // Subscribe as another reader.
    story.connection.leave(story);
    story.connection.join(story);
    close();
    tell(t("forgotten"), true);
  }

  overview();
  set(opener, "aria-expanded", "true");
  opener.parentElement?.after(panel);
  panel.scrollIntoView({ block: "nearest" });
}
