/**
 * Outbox: comments, edits and deletions that could not be sent. They are shown as not sent, survive a reload and are sent
 * when there is a connection. A comment keeps its idempotency key, so that it is posted once; edits and deletions are
 * idempotent. A rejected item stays, with the reason, until the reader discards it.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 */
import { find } from "../live/find-comment.js";
import { uuid } from "../../uuid.js";

/** Time in milliseconds after which a deletion is shown as not sent. */
const SHOW_DELETION_MS = 2_000;

/** @typedef {Record<string, string>} Fields */

/**
 * Create the outbox of a discussion.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @param {(type: any, fields: Fields) => Promise<unknown>} send
 */
export function createOutbox({ story, t, tell, explain, emit }, { h, button }, send) {
  const list = h("ul", { class: "outbox" });
  let busy = false;
  /** Error texts of rejected items, by key. @type {Map<string, string>} */
  const rejected = new Map();
  const allItems = () => story.storage().queue ?? [];
  const ownItems = () => allItems().filter((each) => each.story === story.code);

  /** Save the items. @param {Fields[]} queue */
  function save(queue) {
    story.saveToStorage({ queue: queue.length ? queue : undefined });
    // Redraw: the empty text is hidden while the outbox has items.
    story.set({});
  }

  /** Remove an item. @param {string | undefined} key */
  function discard(key) {
    save(allItems().filter((each) => each.key !== key));
    draw();
  }

  function draw() {
    const items = ownItems();
    list.replaceChildren(
      ...items.map(({ key = "", type, body }) =>
        h(
          "li",
          null,
          h("span", { dir: "auto" }, t("unsent", { text: type === "delete" ? t("deleted") : (body ?? "") })),
          h("p", { class: "error" }, rejected.get(key)),
          button(t("cancel"), () => discard(key), { class: "action" }),
        ),
      ),
    );
    // Hide the empty list: screen readers announce it.
    list.hidden = !items[0];
  }

  /** Send the items, one after the other. */
  async function flush() {
    if (busy) return;
    busy = true;
    for (;;) {
      const next = ownItems().find(({ key = "" }) => !rejected.has(key));
      if (!next) break;
      if (!navigator.onLine) {
        // Offline: do not start a request, so that the item can still be cancelled.
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
        await send(type, fields);
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
          tell(explain(problem), true);
          draw();
        }
      }
    }
    busy = false;
  }

  return {
    /**
     * Add an item and send it.
     *
     * @param {string} type
     * @param {Fields} fields
     */
    add(type, fields) {
      const { reader, first } = story.storage();
      const item = { key: uuid(), ...fields, type, story: story.code };
      // Store `first`, so that the item belongs to the same reader when it is sent.
      save([...allItems(), reader || !first ? item : { ...item, first }]);
      setTimeout(draw, type === "delete" ? SHOW_DELETION_MS : 0);
      flush();
    },
    /** Show the outbox after an element. @param {Element} place */
    show(place) {
      place.after(list);
      draw();
      flush();
    },
  };
}
