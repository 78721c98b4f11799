/**
 * Lazy part `writing`: the composer, and forms for replies and edits.
 *
 * @import {CommentHandle, Fields, OutboxPart, Shared, ViewContext, WritingPart} from "../../part-api"
 */
import { ids } from "../live/find-comment.js";
import { enhanceComposer } from "./composer.js";

export { STRINGS } from "./strings.js";

/** @typedef {ReturnType<typeof enhanceComposer>} Composer */

/**
 * Create the part for a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {WritingPart}
 */
export function open(context, tools) {
  const { story, t, focus } = context;
  const { h, button, newId } = tools;
  /** @type {WeakMap<HTMLElement, Composer>} */
  const enhanced = new WeakMap();
  /** Functions that close the open form of a comment. @type {WeakMap<CommentHandle, () => void>} */
  const forms = new WeakMap();
  /** Keys of drafts of an earlier visit that are not open yet. A form that the reader closes on this page stays closed. */
  const pendingDrafts = new Set(Object.keys(story.storage().drafts ?? {}));

  // Their hashes have no room in the part `connection`.
  const known = context.fetchPart(/** @type {any} */ ("connection")).then(({ HASHES }) => Object.assign(HASHES, { outbox: OUTBOX, preview: PREVIEW }));
  const outbox = () => known.then(() => context.part("outbox"));
  /** @type {OutboxPart["post"]} */
  const post = async (type, fields) => (await outbox()).post(type, fields);

  /** Enhance the view's composer, once. @param {HTMLElement} composer */
  function attach(composer) {
    let enhancedComposer = enhanced.get(composer);
    if (!enhancedComposer) {
      const main = enhanceComposer(context, tools, composer, {
        verb: t("post"),
        draft: "",
        onSubmit: async (fields) => focus(await post("comment", fields)),
      });
      enhanced.set(composer, (enhancedComposer = main));
      outbox().then(
        (part) => part.attach(composer, (item) => resume(item, main)),
        () => enhanced.delete(composer),
      );
    }
    // A draft's parent comment may be loaded later: the browser's cached snapshot can be older than the draft.
    for (const key of pendingDrafts) {
      const [code, parent = ""] = key.split(" ");
      const known = code === story.code && ids(story.state.threads).has(parent);
      const handle = known && context.comment(parent);
      if (!handle) continue;
      reply(handle, true);
    }
    return enhancedComposer;
  }

  /**
   * Open a comment or an edit that was not sent in a form again.
   *
   * @param {Fields} item
   * @param {Composer} main the view's composer
   * @returns {boolean} whether its comment is shown
   */
  function resume({ type, parent, comment, body = "" }, main) {
    const place = parent ?? comment;
    const handle = place ? context.comment(place) : undefined;
    if (place && !handle) return false;
    if (handle && type === "edit") edit(handle, body);
    else {
      const { text, fill } = handle ? reply(handle) : main;
      // Keep what was written since.
      fill(text.value ? text.value + "\n\n" + body : body);
      text.focus();
    }
    return true;
  }

  /**
   * Open a form in a comment and close another one there.
   *
   * @param {CommentHandle} handle
   * @param {string} label
   * @param {string} verb
   * @param {string | undefined} draft the parent's id; undefined for an edit, which replaces the text
   * @param {(fields: Fields) => Promise<string | undefined>} work returns the id of the comment to focus
   */
  function form(handle, label, verb, draft, work) {
    forms.get(handle)?.();
    const { article, body, foot } = handle;
    const isEdit = draft === undefined;
    const id = newId();
    const element = h(
      "div",
      { class: "composer", part: "composer" },
      h("div", { class: "tabs" }, h("label", { class: "small", for: id }, label)),
      h("textarea", { id, rows: 3, dir: "auto", placeholder: isEdit ? "" : t("placeholder") }),
      h(
        "div",
        { class: "footer" },
        !isEdit && h("p", { class: "field small secondary" }, t("account")),
        button(verb, () => composer.post(), { class: "primary end", part: "button" }),
      ),
    );
    const close = () => {
      forms.delete(handle);
      element.remove();
      body.hidden = foot.hidden = false;
    };
    forms.set(handle, close);
    body.hidden = foot.hidden = isEdit;
    // Shown before it is enhanced: its height is measured.
    article.append(element);
    const composer = enhanceComposer(context, tools, element, {
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
    return composer;
  }

  /** @param {CommentHandle} handle @param {boolean} [keepFocus] for a restored draft */
  function reply(handle, keepFocus) {
    const parent = handle.comment.id;
    pendingDrafts.delete(`${story.code} ${parent}`);
    const composer = form(handle, t("answer", { name: handle.name }), t("reply"), parent, (fields) =>
      post("comment", { ...fields, parent }),
    );
    if (!keepFocus) composer.text.focus();
    return composer;
  }

  /** @param {CommentHandle} handle @param {string} body the text to start from */
  function edit(handle, body) {
    const { id } = handle.comment;
    const { text, fill } = form(handle, t("write"), t("save"), undefined, (fields) =>
      post("edit", { ...fields, comment: id }),
    );
    fill(body);
    text.focus();
  }

  // Without a connection it could not be loaded any more.
  outbox().catch(() => {});

  return {
    attach,
    begin: (handle) => reply(handle),
    edit: (handle) => edit(handle, story.state.mine.comments[handle.comment.id]?.body ?? ""),
    remove: (handle) => known.then(() => context.withPart("outbox", (outbox) => outbox.remove(handle))),
  };
}
