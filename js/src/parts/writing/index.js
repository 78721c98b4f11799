/**
 * What it takes to write, to change and to take back.
 *
 * @import {WritingPart, ViewContext, CommentHandle, Shared} from "../../part-api"
 * @import {OwnComment} from "../../types"
 */
import { ids } from "../live/find-comment.js";
import { enhanceComposer } from "./composer.js";
import { createOutbox } from "./outbox.js";

export { STRINGS } from "./strings.js";

/** How long a deleted comment can be had back, in milliseconds. */
const UNDO = 10_000;
/** How long before the time for it is over it has to be on its way. */
const MARGIN = 2_000;

/**
 * @param {ViewContext} frame
 * @param {Shared} tools
 * @returns {WritingPart}
 */
export function open(frame, tools) {
  const { story, t, tell, focus, emit } = frame;
  const { h, button } = tools;
  /** @type {WeakMap<HTMLElement, ReturnType<typeof enhanceComposer>>} */
  const taken = new WeakMap();
  /** Forms that are open in comments. @type {WeakMap<CommentHandle, () => void>} */
  const forms = new WeakMap();
  /** Places of drafts that wait for the comment they answer. @type {Set<string>} */
  const unanswered = new Set();

  /**
   * @param {"comment" | "edit" | "delete"} type
   * @param {Record<string, string>} fields
   */
  const commit = (type, fields) =>
    story.deferIncoming(async () => {
      const { comment } = await story.mutate({ type, ...fields });
      const own = /** @type {OwnComment} */ (comment);
      if (typeof own === "object") story.dispatch({ type: "own", comment: own });
      return own;
    });

  const queue = createOutbox(frame, tools, commit);

  /**
   * Does it, or lets it wait for a connection.
   *
   * @param {"comment" | "edit"} type
   * @param {Record<string, string>} fields
   * @returns {Promise<string | undefined>} the comment
   */
  async function post(type, fields) {
    try {
      if (!navigator.onLine) throw { code: "offline" };
      const { id, state } = await commit(type, fields);
      if (type === "edit") {
        tell(t("saved"));
        return id;
      }
      if (fields.name) story.saveToStorage({ name: fields.name });
      tell(t(state === "pending" ? "pending" : "posted"));
      emit("comment");
      return id;
    } catch (problem) {
      if (/** @type {any} */ (problem).code !== "offline") throw problem;
      queue.add(type, fields);
      tell(t("queued"), true);
      return undefined;
    }
  }

  /** @param {HTMLElement} composer */
  function take(composer) {
    let shell = taken.get(composer);
    if (!shell) {
      shell = enhanceComposer(frame, tools, composer, {
        verb: t("post"),
        draft: "",
        onSubmit: async (fields) => focus(await post("comment", fields)),
      });
      taken.set(composer, shell);
      queue.show(composer);
      for (const key of Object.keys(story.storage().drafts ?? {})) unanswered.add(key);
    }
    // The comment may come later than the draft: what a browser kept of the story can be older.
    for (const key of unanswered) {
      const [code, parent = ""] = key.split(" ");
      const known = code === story.code && ids(story.state.threads).has(parent);
      const handle = known && frame.comment(parent);
      if (!handle) continue;
      unanswered.delete(key);
      if (!forms.has(handle)) reply(handle, true);
    }
    return shell;
  }

  /**
   * Opens a form in a comment, in place of another one.
   *
   * @param {CommentHandle} handle
   * @param {string} label
   * @param {string} verb
   * @param {string | undefined} draft what it answers; a change takes the place of the text
   * @param {(fields: Record<string, string>) => Promise<string | undefined>} work gives the id of the comment to go to
   */
  function form(handle, label, verb, draft, work) {
    forms.get(handle)?.();
    const { article, body, foot } = handle;
    const change = draft === undefined;
    const element = h(
      "div",
      { class: "composer" },
      h("label", null, label, h("textarea", { rows: 3, dir: "auto" })),
      button(verb, () => shell.post(), { class: "primary", part: "button" }),
    );
    const close = () => {
      forms.delete(handle);
      element.remove();
      body.hidden = foot.hidden = false;
    };
    forms.set(handle, close);
    const shell = enhanceComposer(frame, tools, element, {
      verb,
      draft,
      onSubmit: async (fields) => {
        const id = await work(fields);
        close();
        focus(id ?? handle.comment.id);
      },
      cancel: () => {
        close();
        const buttons = [...foot.querySelectorAll("button")];
        (buttons.at(change ? -1 : -2) ?? article).focus();
      },
    });
    body.hidden = foot.hidden = change;
    article.append(element);
    return shell.text;
  }

  /** @param {CommentHandle} handle @param {boolean} [quiet] a draft that comes back leaves the focus where it is */
  function reply(handle, quiet) {
    const parent = handle.comment.id;
    const text = form(handle, t("answer", { name: handle.name }), t("reply"), parent, (fields) =>
      post("comment", { ...fields, parent }),
    );
    if (!quiet) text.focus();
  }

  return {
    attach: take,
    begin: (handle) => reply(handle),
    edit(handle) {
      const { id } = handle.comment;
      const text = form(handle, t("write"), t("save"), undefined, (fields) =>
        post("edit", { ...fields, comment: id }),
      );
      text.value = story.state.mine.comments[id]?.body ?? "";
      text.focus();
    },
    remove(handle) {
      const { article, body, foot, comment } = handle;
      const ears = new AbortController();
      const box = h("div", { class: "actions", role: "status" }, t("deleted"));
      const end = () => {
        ears.abort();
        clearTimeout(timer);
        box.remove();
        body.hidden = foot.hidden = false;
      };
      const go = () => {
        end();
        queue.add("delete", { comment: comment.id });
      };
      // Not so long that the server would not take it any more.
      const until = Date.parse(story.state.mine.comments[comment.id]?.editable_until ?? "");
      const timer = setTimeout(go, Math.min(UNDO, until - story.now() - MARGIN || UNDO));
      // Who leaves does not take it back.
      addEventListener("pagehide", go, { signal: ears.signal });
      body.hidden = foot.hidden = true;
      box.append(
        button(
          t("undo"),
          () => {
            end();
            article.focus();
          },
          { class: "action" },
        ),
      );
      article.append(box);
      box.querySelector("button")?.focus();
    },
  };
}
