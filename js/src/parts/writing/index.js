/**
 * Lazy part `writing`: post, reply, edit and delete.
 *
 * @import {WritingPart, ViewContext, CommentHandle, Shared} from "../../part-api"
 * @import {OwnComment} from "../../types"
 */
import { ids } from "../live/find-comment.js";
import { enhanceComposer } from "./composer.js";
import { createOutbox } from "./outbox.js";

export { STRINGS } from "./strings.js";

/** Time to undo a deletion, in milliseconds. */
const UNDO_MS = 10_000;
/** A deletion is sent at least this long before the edit window ends, in milliseconds. */
const SEND_MARGIN_MS = 2_000;

/**
 * Create the part for a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {WritingPart}
 */
export function open(context, tools) {
  const { story, t, tell, focus, emit } = context;
  const { h, button } = tools;
  /** @type {WeakMap<HTMLElement, ReturnType<typeof enhanceComposer>>} */
  const enhanced = new WeakMap();
  /** Functions that close the open form of a comment. @type {WeakMap<CommentHandle, () => void>} */
  const forms = new WeakMap();
  /** Keys of drafts whose parent comment is not loaded yet. @type {Set<string>} */
  const pendingDrafts = new Set();

  /**
   * Send a comment, an edit or a deletion and apply the reply.
   *
   * @param {"comment" | "edit" | "delete"} type
   * @param {Record<string, string>} fields
   */
  const sendComment = (type, fields) =>
    story.deferIncoming(async () => {
      const { comment } = await story.mutate({ type, ...fields });
      const own = /** @type {OwnComment} */ (comment);
      if (typeof own === "object") story.dispatch({ type: "own", comment: own });
      return own;
    });

  const outbox = createOutbox(context, tools, sendComment);

  /**
   * Send a comment or an edit; without a connection put it into the outbox.
   *
   * @param {"comment" | "edit"} type
   * @param {Record<string, string>} fields
   * @returns {Promise<string | undefined>} the comment's id; undefined if it is in the outbox
   */
  async function post(type, fields) {
    try {
      if (!navigator.onLine) throw { code: "offline" };
      const { id, state } = await sendComment(type, fields);
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
      outbox.add(type, fields);
      tell(t("queued"), true);
      return undefined;
    }
  }

  /** Enhance the view's composer, once. @param {HTMLElement} composer */
  function attach(composer) {
    let enhancedComposer = enhanced.get(composer);
    if (!enhancedComposer) {
      enhancedComposer = enhanceComposer(context, tools, composer, {
        verb: t("post"),
        draft: "",
        onSubmit: async (fields) => focus(await post("comment", fields)),
      });
      enhanced.set(composer, enhancedComposer);
      outbox.show(composer);
      for (const key of Object.keys(story.storage().drafts ?? {})) pendingDrafts.add(key);
    }
    // A draft's parent comment may be loaded later: the browser's cached snapshot can be older than the draft.
    for (const key of pendingDrafts) {
      const [code, parent = ""] = key.split(" ");
      const known = code === story.code && ids(story.state.threads).has(parent);
      const handle = known && context.comment(parent);
      if (!handle) continue;
      pendingDrafts.delete(key);
      if (!forms.has(handle)) reply(handle, true);
    }
    return enhancedComposer;
  }

  /**
   * Open a form in a comment and close another one there.
   *
   * @param {CommentHandle} handle
   * @param {string} label
   * @param {string} verb
   * @param {string | undefined} draft the parent's id; undefined for an edit, which replaces the text
   * @param {(fields: Record<string, string>) => Promise<string | undefined>} work returns the id of the comment to focus
   */
  function form(handle, label, verb, draft, work) {
    forms.get(handle)?.();
    const { article, body, foot } = handle;
    const isEdit = draft === undefined;
    const element = h(
      "div",
      { class: "composer" },
      h("label", null, label, h("textarea", { rows: 3, dir: "auto" })),
      button(verb, () => enhancedComposer.post(), { class: "primary", part: "button" }),
    );
    const close = () => {
      forms.delete(handle);
      element.remove();
      body.hidden = foot.hidden = false;
    };
    forms.set(handle, close);
    const enhancedComposer = enhanceComposer(context, tools, element, {
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
        (buttons.at(isEdit ? -1 : -2) ?? article).focus();
      },
    });
    body.hidden = foot.hidden = isEdit;
    article.append(element);
    return enhancedComposer.text;
  }

  /** @param {CommentHandle} handle @param {boolean} [keepFocus] for a restored draft */
  function reply(handle, keepFocus) {
    const parent = handle.comment.id;
    const text = form(handle, t("answer", { name: handle.name }), t("reply"), parent, (fields) =>
      post("comment", { ...fields, parent }),
    );
    if (!keepFocus) text.focus();
  }

  return {
    attach,
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
      const listeners = new AbortController();
      const box = h("div", { class: "actions", role: "status" }, t("deleted"));
      const close = () => {
        listeners.abort();
        clearTimeout(timer);
        box.remove();
        body.hidden = foot.hidden = false;
      };
      const confirm = () => {
        close();
        outbox.add("delete", { comment: comment.id });
      };
      // The server rejects deletions after the edit window.
      const until = Date.parse(story.state.mine.comments[comment.id]?.editable_until ?? "");
      const timer = setTimeout(confirm, Math.min(UNDO_MS, until - story.now() - SEND_MARGIN_MS || UNDO_MS));
      // Leaving the page confirms the deletion.
      addEventListener("pagehide", confirm, { signal: listeners.signal });
      body.hidden = foot.hidden = true;
      box.append(
        button(
          t("undo"),
          () => {
            close();
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
