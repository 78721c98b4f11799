/**
 * What could not be sent: comments, changes and deletions. Shown as waiting, kept over a reload, sent when there is a
 * connection. A comment goes with the key it was given when it was written, so that it is posted once, however often it
 * is sent; the others may be done twice. What is refused stays until its writer has read why.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 */
import { find } from "../live/find-comment.js";
import { uuid } from "../../uuid.js";

/** How long a deletion may take before it is shown as waiting, in milliseconds. */
const PATIENCE = 2_000;

/** @typedef {Record<string, string>} Fields */

/**
 * @param {ViewContext} frame
 * @param {Shared} tools
 * @param {(type: any, fields: Fields) => Promise<unknown>} send
 */
export function createOutbox({ story, t, tell, explain, emit }, { h, button }, send) {
  const list = h("ul", { class: "outbox" });
  let busy = false;
  /** By key: why it was refused. @type {Map<string, string>} */
  const refused = new Map();
  const all = () => story.storage().queue ?? [];
  const mine = () => all().filter((each) => each.story === story.code);

  /** @param {Fields[]} queue */
  function keep(queue) {
    story.saveToStorage({ queue: queue.length ? queue : undefined });
    // Where no one has said anything yet, one that waits is something.
    story.set({});
  }

  /** @param {string | undefined} key */
  function discard(key) {
    keep(all().filter((each) => each.key !== key));
    draw();
  }

  function draw() {
    const waiting = mine();
    list.replaceChildren(
      ...waiting.map(({ key = "", type, body }) =>
        h(
          "li",
          null,
          h("span", { dir: "auto" }, t("unsent", { text: type === "delete" ? t("deleted") : (body ?? "") })),
          h("p", { class: "error" }, refused.get(key)),
          button(t("cancel"), () => discard(key), { class: "action" }),
        ),
      ),
    );
    // What is empty is not there: an empty list is read out as one.
    list.hidden = !waiting[0];
  }

  async function flush() {
    if (busy) return;
    busy = true;
    for (;;) {
      const next = mine().find(({ key = "" }) => !refused.has(key));
      if (!next) break;
      if (!navigator.onLine) {
        // Nothing is on its way, so that it can still be cancelled.
        await story.pause();
        continue;
      }
      const { story: _, type = "comment", ...fields } = next;
      // It went out when the page was left, and its answer did not come back.
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
          refused.set(next.key ?? "", explain(problem));
          tell(explain(problem), true);
          draw();
        }
      }
    }
    busy = false;
  }

  return {
    /**
     * @param {string} type
     * @param {Fields} fields
     */
    add(type, fields) {
      const { reader, first } = story.storage();
      const item = { key: uuid(), ...fields, type, story: story.code };
      // Of the reader who wrote it, anyone who that has become when it is sent.
      keep([...all(), reader || !first ? item : { ...item, first }]);
      setTimeout(draw, type === "delete" ? PATIENCE : 0);
      flush();
    },
    /** @param {Element} place */
    show(place) {
      place.after(list);
      draw();
      flush();
    },
  };
}
