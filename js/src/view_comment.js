/**
 * One comment: who, when, what, and what can be done about it.
 *
 * @import {Comment, State} from "./types"
 * @import {Frame} from "./desk"
 */
import { arrange, button, h, heading, newId, set, write } from "./dom.js";
import { may } from "./state.js";
import { draw as drawText, linkTo, placeOf, safe } from "./text.js";
import { ago } from "./words.js";

/** What does the work of each button. */
const PARTS_OF = /** @type {const} */ ({ feel: "live", reply: "writing", more: "more" });

/** @param {Frame} view */
export function commentView(view) {
  const { say } = view;
  const id = newId();
  const head = heading(view.level + 2, { id });
  const meta = h("p", { class: "quiet" });
  const body = h("div", { class: "text", dir: "auto", part: "text" });
  const foot = h("div", { class: "acts" });
  const article = h("article", { tabindex: -1, part: "comment", "aria-labelledby": id }, head, meta, body, foot);
  /** @type {Record<string, HTMLElement>} */
  const buttons = {};

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
    focus: () => article.focus(),
  };

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
      const { author } = comment;
      self.name = author?.name || say("nobody");
      const href = safe(author?.website);
      const link = h(href ? "a" : "bdi", null, self.name);
      if (href) linkTo(link, href);
      head.replaceChildren(
        link,
        author?.role ? h("span", { class: "role" }, say(author.role)) : "",
        to ? ` ${say("to", { name: to.author?.name || say("nobody") })}` : "",
      );
      // A new count of its reactions comes with the same text.
      if (old?.text !== comment.text) {
        body.replaceChildren(...(gone ? [say("removed")] : drawText(comment.text)));
      }
      set(body, "lang", comment.lang);
      head.hidden = meta.hidden = gone;
      article.classList.toggle("gone", gone);
    }
    drawMeta(state);
    drawFeet(state);
    self.also?.();
  }

  /** @param {State} state */
  function drawMeta({ settings }) {
    const { id, created_at, edited_at, copy, pinned, waiting, state } = self.comment;
    const then = new Date(created_at);
    const via = settings?.show_copy && placeOf(copy);
    const time = ago(say("lang"), +then, Date.now());
    const rest = [
      via && say("via", { name: via }),
      edited_at && say("edited"),
      pinned && say("pinned"),
      state === "pending" ? say("pending") : waiting && say("waiting"),
    ]
      .map((each) => (each ? " · " + each : ""))
      .join("");
    if (meta.textContent === time + rest) return;
    meta.replaceChildren(
      h(
        "a",
        { href: "#c-" + id },
        h(
          "time",
          {
            datetime: created_at,
            // To learn how dates are written takes longer than to draw ten comments: only for who points at one.
            onpointerover: ({ target }) => set(target, "title", then.toLocaleString(say("lang"))),
          },
          time,
        ),
      ),
      rest,
    );
  }

  /** @param {State} state */
  function drawFeet(state) {
    const { state: condition, tally } = self.comment;
    const open = condition === "published";
    const n = Object.values(tally.counts).reduce((a, b) => a + b, 0);
    const wanted = /** @type {(keyof typeof PARTS_OF)[]} */ ([
      open && (may(state, "react") || n) && "feel",
      open && may(state, "comment") && "reply",
      condition !== "removed" && !state.readOnly && "more",
    ].filter(Boolean));
    arrange(
      foot,
      wanted.map((deed) => {
        const element = (buttons[deed] ??= button(
          "",
          () => view.ask(PARTS_OF[deed], (desk) => desk.begin(deed, self)),
          { class: "act" },
        ));
        const text = say(deed) + (n && deed === "feel" ? " " + say("number", { n }) : "");
        write(element, text);
        set(element, "aria-label", say(deed + "Of", { name: self.name, text }));
        return element;
      }),
    );
  }

  return self;
}
