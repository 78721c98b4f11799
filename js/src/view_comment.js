/**
 * One comment: who, when, what, and what can be done about it.
 *
 * @import {Comment, State} from "./types"
 * @import {Frame} from "./desk"
 */
import { button, h, heading, newId, set, write } from "./dom.js";
import { may, sum } from "./state.js";
import { draw as drawText, outward, placeOf, safe } from "./text.js";
import { ago } from "./words.js";

/** The buttons, and what does the work of each. */
const DEEDS = /** @type {const} */ ([["feel", "feel"], ["reply", "writing"], ["more", "more"]]);

/** @param {Frame} view */
export function commentView(view) {
  const { say } = view;
  const id = newId();
  const head = heading(view.level + 2, { id });
  const time = h("time");
  const link = h("a", { onclick: visit }, time);
  // An element: whoever translates a page replaces its text nodes.
  const rest = h("span");
  const meta = h("p", { class: "quiet" }, link);
  const body = h("div", { class: "text", dir: "auto", part: "text" });
  const buttons = DEEDS.map(([, part]) =>
    button("", () => view.ask(part, (desk) => desk.begin(self)), { class: "act" }),
  );
  const foot = h("div", { class: "acts" }, ...buttons);
  const article = h("article", { tabindex: -1, part: "comment", "aria-labelledby": id }, head, meta, body, foot);

  const self = {
    /** @type {Comment} */
    comment: /** @type {any} */ (null),
    name: "",
    /** The round it was drawn in. @type {unknown} */
    round: 0,
    element: h("li", null, article),
    article,
    body,
    foot,
    draw,
    /** What a part has to draw along. @type {(() => void) | undefined} */
    also: undefined,
  };

  /** @param {Comment} comment */
  const nameOf = ({ author }) => author?.name || say("nobody");

  /**
   * @param {Comment} comment
   * @param {Comment | undefined} to the other reply that it answers
   * @param {State} state
   */
  function draw(comment, to, state) {
    const old = self.comment;
    const gone = comment.state === "removed";
    self.comment = comment;
    if (comment !== old) {
      const { author, text, lang } = comment;
      self.name = nameOf(comment);
      const href = safe(author?.website);
      head.replaceChildren(
        h(href ? "a" : "bdi", href && outward(href), self.name),
        author?.vouched
          ? h("span", { class: "role", role: "img", "aria-label": say("vouched") }, "✓")
          : "",
        author?.role ? h("span", { class: "role" }, say(author.role)) : "",
        to ? ` ${say("to", { name: nameOf(to) })}` : "",
      );
      // A new count of its reactions comes with the same text.
      if (old?.text !== text) {
        body.replaceChildren(...(gone ? [h("em", null, say("removed"))] : drawText(text)));
      }
      set(body, "lang", lang);
      head.hidden = meta.hidden = gone;
    }
    drawMeta(state);
    drawFeet(state);
    self.also?.();
  }

  /** @param {State} state */
  function drawMeta({ settings }) {
    const { id, created_at, edited_at, copy, pinned, waiting, state } = self.comment;
    const via = settings.show_copy && placeOf(copy);
    link.href = view.address() + "#c-" + id;
    time.dateTime = created_at;
    write(time, ago(say("lang"), Date.parse(created_at), view.story.now()));
    const facts = [
      via && say("via", { name: via }),
      edited_at && say("edited"),
      pinned && say("pinned"),
      state === "pending" ? say("pending") : waiting && say("waiting"),
    ];
    const text = ["", ...facts.filter(Boolean)].join(" · ");
    write(rest, text);
    if (text) meta.append(rest);
  }

  /** Opens nothing, and tells no router of the page. @param {MouseEvent} event */
  function visit(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    view.ask("more", (desk) => desk.visit(self.comment.id));
  }

  /** @param {State} state */
  function drawFeet(state) {
    const { state: condition, tally } = self.comment;
    const open = condition === "published";
    const n = sum(tally.counts);
    const offered = [
      open && (may(state, "react") || n),
      open && may(state, "comment"),
      condition !== "removed" && !state.read_only,
    ];
    buttons.forEach((element, i) => {
      const deed = DEEDS[i]?.[0] ?? "";
      const text = say(deed) + (n && !i ? " " + say("number", { n }) : "");
      element.hidden = !offered[i];
      write(element, text);
      set(element, "aria-label", say(deed + "Of", { name: self.name, text }));
    });
  }

  return self;
}
