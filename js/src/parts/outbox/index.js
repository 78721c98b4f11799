/**
 * Lazy part `outbox`: send comments, edits and deletions. Those that could not be sent are shown as not sent, survive a
 * reload and are sent when there is a connection. The reader may edit or discard them until then. A comment keeps its
 * idempotency key, so that it is posted once; edits and deletions are idempotent. A rejected item stays, with the
 * reason, until the reader edits or discards it.
 *
 * The part `writing` loads it at once: without a connection it could not be loaded any more.
 *
 * @import {Fields, OutboxPart, Shared, ViewContext} from "../../part-api"
 * @import {OwnComment} from "../../types"
 */
import { find } from "../live/find-comment.js";
import { uuid } from "../../uuid.js";
import css from "./style.css";

export { STRINGS } from "./strings.js";

/** Time in milliseconds after which a deletion is shown as not sent. */
const SHOW_DELETION_MS = 2_000;
/** Time to undo a deletion, in milliseconds. */
const UNDO_MS = 10_000;
/** A deletion is sent at least this long before the edit window ends, in milliseconds. */
const SEND_MARGIN_MS = 2_000;

/**
 * Create the part for a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {OutboxPart}
 */
export function open(context, { h, button }) {
  const { story, t, tell, explain, emit } = context;
  const list = h("ul", { class: "outbox" });
  let busy = false;
  /** Error texts of rejected items, by key. @type {Map<string, string>} */
  const rejected = new Map();
  const allItems = () => story.storage().queue ?? [];
  const ownItems = () => allItems().filter((each) => each.story === story.code);
  /** Function that opens an item in a form; it returns false if the comment is not shown. @type {(item: Fields) => boolean} */
  let resume = () => false;
  context.style(css);

  /**
   * Send a comment, an edit or a deletion and apply the reply.
   *
   * @param {string} type
   * @param {Record<string, any>} fields
   */
  const send = (type, fields) =>
    story.deferIncoming(async () => {
      const { comment } = await story.mutate({ type, ...fields });
      const own = /** @type {OwnComment} */ (comment);
      if (typeof own === "object") story.dispatch({ type: "own", comment: own });
      return own;
    });

  /**
   * Send it, and in a raid send it again with a proof of work, if the server asks this reader for one.
   *
   * @param {string} type
   * @param {Record<string, any>} fields
   */
  async function sendWithProof(type, fields) {
    for (let n = 0; ; n++) {
      try {
        return await send(type, fields);
      } catch (problem) {
        const { code, challenge } = /** @type {any} */ (problem);
        if (code !== "proof_needed" || n > 1) throw problem;
        tell(t("checking"), true);
        try {
          (await context.fetchPart(/** @type {any} */ ("connection"))).HASHES.proof = PROOF;
          const prove = await context.part("proof");
          fields = { ...fields, proof: await prove(challenge) };
        } catch {
          throw { code: "offline" };
        }
      }
    }
  }

  /** Return the key of the drafts for the place of a comment. @param {Fields} fields */
  const placeOf = ({ parent = "" }) => `${story.code} ${parent}`;

  /** Remember the text and key of a comment until it is posted. @param {Fields} fields */
  const remember = ({ body = "", key = "", ...others }) =>
    story.saveToStorage({ last: { place: placeOf(others), body, key } });

  /** @type {OutboxPart["post"]} */
  async function post(type, fields) {
    /** @type {Record<string, any>} */
    let sent = fields;
    if (type === "comment") {
      // The same text keeps its idempotency key, also after a reload: sent again, it is the same comment.
      const { last } = story.storage();
      const isSame = last?.place === placeOf(fields) && last.body === fields.body;
      fields = { ...fields, key: isSame ? last.key : uuid() };
      remember(fields);
      // If a rule would hold it, the server asks once before it takes it.
      sent = isSame ? fields : { ...fields, reconsider: true };
    }
    /** Forget the key of a comment that is posted or kept, and remember the name. */
    const settle = () => {
      const { name = story.storage().name } = fields;
      if (type === "comment") story.saveToStorage({ last: undefined, name });
    };
    try {
      if (!navigator.onLine) throw { code: "offline" };
      const { id, state } = await sendWithProof(type, sent);
      settle();
      tell(t(type === "edit" ? "saved" : state === "pending" ? "pending" : "posted"));
      if (type === "comment") emit("comment");
      return id;
    } catch (problem) {
      const { code, detail } = /** @type {any} */ (problem);
      if (code === "reconsider") throw { code, detail: `${detail} ${t(code)}` };
      if (code !== "offline") throw problem;
      settle();
      add(type, fields);
      tell(t("unsent"));
      return undefined;
    }
  }

  /** @type {OutboxPart["remove"]} */
  function remove({ article, body, foot, comment }) {
    const listeners = new AbortController();
    const box = h("div", { class: "actions small", role: "status" }, t("deleted"));
    const close = () => {
      listeners.abort();
      clearTimeout(timer);
      box.remove();
      body.hidden = foot.hidden = false;
    };
    const confirm = () => {
      close();
      add("delete", { comment: comment.id });
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
  }

  /** Save the items. @param {Fields[]} queue */
  function save(queue) {
    story.saveToStorage({ queue: queue.length ? queue : undefined });
    // Redraw: the empty text is hidden while the outbox has items.
    story.set({});
  }

  /** Add an item and send it. @param {string} type @param {Fields} fields */
  function add(type, fields) {
    const { reader, first } = story.storage();
    const item = { key: uuid(), ...fields, type, story: story.code };
    // Store `first`, so that the item belongs to the same reader when it is sent.
    save([...allItems(), reader || !first ? item : { ...item, first }]);
    setTimeout(draw, type === "delete" ? SHOW_DELETION_MS : 0);
    flush();
  }

  /** Remove an item. @param {string | undefined} key */
  function discard(key) {
    save(allItems().filter((each) => each.key !== key));
    draw();
  }

  /** Open an item in a form again. @param {Fields} item */
  function edit(item) {
    if (!resume(item)) return;
    if (item.type === "comment") remember(item);
    discard(item.key);
  }

  /** @param {Fields} item */
  function drawItem(item) {
    const { key, type, body, name } = item;
    const reason = rejected.get(key ?? "");
    const isDeletion = type === "delete";
    const own = type === "comment" && [
      h("span", { class: "avatar", "aria-hidden": "true" }, [...(name ?? "?")][0]?.toUpperCase()),
      h("p", { class: "byline" }, h("bdi", null, name ?? t("anonymous"))),
    ];
    return h(
      "li",
      null,
      h(
        "article",
        null,
        h("p", { class: "state " + (reason ? "error icon-alert" : "icon-cloud") }, reason ?? t("unsent")),
        ...(own || []),
        h("div", { class: "comment-text", dir: "auto" }, isDeletion ? t("deleted") : body),
        h(
          "div",
          { class: "actions" },
          !isDeletion && button(t("edit"), () => edit(item), { class: "action icon-pen" }),
          button(t(isDeletion ? "undo" : "discard"), () => discard(key), { class: "action icon-bin" }),
        ),
      ),
    );
  }

  function draw() {
    const items = ownItems();
    list.replaceChildren(...items.map(drawItem));
    // Hide the empty list: screen readers announce it.
    list.hidden = !items[0];
  }

  /** Send all items, one after the other. */
  async function flush() {
    if (busy) return;
    busy = true;
    for (;;) {
      const next = ownItems().find(({ key = "" }) => !rejected.has(key));
      if (!next) break;
      if (!navigator.onLine) {
        // Offline: do not start a request, so that the item can still be discarded.
        await story.pause();
        continue;
      }
      const { story: _, type = "comment", ...fields } = next;
      // The deletion was sent while the page was being left, and its reply was lost.
      if (type === "delete" && find(story.state, fields.comment ?? "")?.state === "removed") {
        discard(next.key);
        continue;
      }
      try {
        await sendWithProof(type, fields);
        if (type === "comment") {
          tell(t("posted"));
          emit("comment");
        }
        discard(next.key);
      } catch (problem) {
        const { code } = /** @type {any} */ (problem);
        if (story.isTemporary(/** @type {any} */ (problem)) || code === "rate_limited") {
          draw();
          await story.pause();
        } else if (type === "delete" && code === "not_found") discard(next.key);
        else {
          rejected.set(next.key ?? "", explain(problem));
          tell(explain(problem));
          draw();
        }
      }
    }
    busy = false;
  }

  return {
    post,
    remove,
    attach(composer, open) {
      resume = open;
      const text = t("goOn");
      const notice = h(
        "p",
        { class: "small icon-cloud offline" },
        h("span", null, h("b", null, t("isOffline")), " " + text),
      );
      const drawNotice = () => {
        notice.hidden = navigator.onLine;
        if (!navigator.onLine) tell(t("isOffline") + " " + text);
      };
      // In the card, whose height stays the same.
      composer.lastElementChild?.before(notice);
      composer.after(list);
      drawNotice();
      const end = new AbortController();
      for (const change of ["online", "offline"]) addEventListener(change, drawNotice, { signal: end.signal });
      const { onClose } = context;
      context.onClose = () => {
        onClose?.();
        end.abort();
      };
      draw();
      flush();
    },
  };
}
