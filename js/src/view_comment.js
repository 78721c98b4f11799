/**
 * One comment: who, when, what, and what can be done about it.
 *
 * @import {Comment, State} from "./types"
 * @import {Frame} from "./desk"
 */
import { button, h, heading, set } from "./dom.js";
import { draw as drawText, linkTo, safe } from "./text.js";
import { may } from "./view.js";
import { ago } from "./words.js";

/** @param {Frame} view */
export function commentView(view) {
  const { say } = view;
  const head = heading(view.level + 2);
  const meta = h("p", { class: "quiet" });
  const body = h("div", { class: "text", dir: "auto", part: "text" });
  const foot = h("div", { class: "acts" });
  const article = h("article", { tabindex: -1, part: "comment" }, head, meta, body, foot);
  let feet = "";

  const self = {
    /** @type {Comment} */
    comment: /** @type {any} */ (null),
    name: "",
    element: h("li", null, article),
    article,
    body,
    foot,
    draw,
    /** Buttons anew, after something else stood in their place. */
    refresh() {
      feet = "";
      drawFeet(view.story.state);
    },
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
      if (JSON.stringify(old?.text) !== JSON.stringify(comment.text) || gone) {
        body.replaceChildren(...(gone ? [say("removed")] : drawText(comment.text)));
      }
      set(body, "lang", comment.lang);
      head.hidden = meta.hidden = gone;
      article.classList.toggle("gone", gone);
    }
    drawMeta(state);
    drawFeet(state);
  }

  /** @param {State} state */
  function drawMeta({ settings }) {
    const { created_at, edited_at, copy, pinned, waiting, state } = self.comment;
    const then = new Date(created_at);
    const via = settings?.show_copy && (copy?.label || copy?.origin?.replace(/^https?:../, ""));
    const time = ago(say("lang"), +then, Date.now());
    const rest = [
      "",
      via && say("via", { name: via }),
      edited_at && say("edited"),
      pinned && say("pinned"),
      state === "pending" ? say("pending") : waiting && say("waiting"),
    ]
      .filter((each, i) => each || !i)
      .join(" · ");
    if (meta.textContent === time + rest) return;
    meta.replaceChildren(
      h("time", { datetime: created_at, title: then.toLocaleString(say("lang")) }, time),
      rest,
    );
  }

  /** @param {State} state */
  function drawFeet(state) {
    const { state: condition } = self.comment;
    const wanted = [
      condition === "published" && may(state, "comment") && "reply",
      condition !== "removed" && !state.readOnly && "more",
    ];
    const now = wanted + self.name;
    if (feet === now) return;
    feet = now;
    foot.replaceChildren(
      ...wanted.map((deed) =>
        deed
          ? button(say(deed), () => view.ask((desk) => desk.begin(deed, self)), {
              class: "act",
              "aria-label": say(deed + "Of", { name: self.name }),
            })
          : "",
      ),
    );
  }

  return self;
}
