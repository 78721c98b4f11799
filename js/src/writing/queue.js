/**
 * Comments that could not be sent: shown as waiting, kept over a reload, sent when there is a connection. Each goes with
 * the key it was given when it was written, so that it is posted once, however often it is sent.
 *
 * @import {Frame, Tools} from "../desk"
 */

const AGAIN = 15_000;

/** @typedef {Record<string, string>} Fields */

/**
 * @param {Frame} frame
 * @param {Tools} tools
 * @param {(fields: Fields) => Promise<unknown>} send
 */
export function queueOf({ story, say, tell, explain, emit }, { h, button }, send) {
  const list = h("ul", { class: "queue" });
  let timer = 0;
  let busy = false;
  const all = () => story.memory().queue ?? [];
  const mine = () => all().filter((each) => each.story === story.code);

  /** @param {Fields[]} queue */
  function keep(queue) {
    story.remember({ queue: queue.length ? queue : undefined });
    // Where nobody has said anything yet, one that waits is something.
    story.set({});
    draw();
  }

  /** @param {Fields} fields */
  const drop = ({ key }) => keep(all().filter((each) => each.key !== key));

  function draw() {
    const waiting = mine();
    list.replaceChildren(
      ...waiting.map((fields) =>
        h(
          "li",
          null,
          h("span", { dir: "auto" }, say("unsent", { text: fields.body ?? "" })),
          button(say("cancel"), () => drop(fields), { class: "act" }),
        ),
      ),
    );
    // What is empty is not there: an empty list is read out as one.
    list.hidden = !waiting[0];
    clearTimeout(timer);
    removeEventListener("online", flush);
    if (!waiting.length) return;
    addEventListener("online", flush);
    timer = setTimeout(flush, AGAIN);
  }

  async function flush() {
    if (busy) return;
    busy = true;
    for (const fields of mine()) {
      try {
        const { story: _, ...deed } = fields;
        // First become somebody: the same key of two nobodies would be two comments.
        if (!story.memory().reader) await story.perform({ type: "react", reaction: null });
        await send(deed);
        tell(say("posted"));
        emit("comment");
        drop(fields);
      } catch (problem) {
        if (/** @type {any} */ (problem).code === "offline") break;
        drop(fields);
        tell(explain(problem), true);
      }
    }
    busy = false;
    draw();
  }

  return {
    /** @param {Fields} fields */
    add: (fields) => keep([...all(), { ...fields, story: story.code }]),
    /** @param {Element} place */
    show(place) {
      place.after(list);
      draw();
      if (mine().length) flush();
    },
  };
}
