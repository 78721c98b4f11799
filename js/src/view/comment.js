/**
 * View of one comment: author, time, text and buttons.
 *
 * @import {Comment, State} from "../types"
 * @import {ViewContext} from "../part-api"
 */
import { button, h, heading, newId, set, setText } from "../dom.js";
import { isAllowed, sum } from "../state.js";
import { renderText as drawText, externalLinkAttrs, copyLabel, safeUrl } from "./comment-text.js";
import { relativeTime } from "../i18n.js";

/** The buttons: string key, and the lazy part that handles the click. */
const ACTIONS = /** @type {const} */ ([["addReaction", "comment-reactions"], ["reply", "writing"], ["more", "more"]]);

/** Create the view of a comment. @param {ViewContext} view */
export function commentView(view) {
  const { t } = view;
  const id = newId();
  const head = heading(view.level + 2, { id });
  const time = h("time");
  const link = h("a", { onclick: visit }, time);
  // An element, because translation tools replace text nodes.
  const rest = h("span");
  const meta = h("p", { class: "secondary" }, link);
  const body = h("div", { class: "comment-text", dir: "auto", part: "comment-text" });
  const buttons = ACTIONS.map(([, part]) =>
    button("", () => view.withPart(part, (part) => part.begin(self)), { class: "action" }),
  );
  const foot = h("div", { class: "actions" }, ...buttons);
  const article = h("article", { tabindex: -1, part: "comment", "aria-labelledby": id }, head, meta, body, foot);

  const self = {
    /** @type {Comment} */
    comment: /** @type {any} */ (null),
    name: "",
    /** The view's `renderVersion` at the last draw. @type {unknown} */
    renderVersion: 0,
    element: h("li", null, article),
    article,
    body,
    foot,
    draw,
    /** Set by a part to draw after each draw. @type {(() => void) | undefined} */
    onRender: undefined,
  };

  /** @param {Comment} comment */
  const nameOf = ({ author }) => author?.name || t("anonymous");

  /**
   * @param {Comment} comment
   * @param {Comment | undefined} to the reply that it answers, if that is not the top comment
   * @param {State} state
   */
  function draw(comment, to, state) {
    const old = self.comment;
    const removed = comment.state === "removed";
    self.comment = comment;
    if (comment !== old) {
      const { author, text, lang } = comment;
      self.name = nameOf(comment);
      const href = safeUrl(author?.website);
      head.replaceChildren(
        h(href ? "a" : "bdi", href && externalLinkAttrs(href), self.name),
        author?.vouched
          ? h("span", { class: "role", role: "img", "aria-label": t("vouched") }, "✓")
          : "",
        author?.role ? h("span", { class: "role" }, t(author.role)) : "",
        to ? ` ${t("to", { name: nameOf(to) })}` : "",
      );
      // A new tally leaves the text array identical.
      if (old?.text !== text) {
        body.replaceChildren(...(removed ? [h("em", null, t("removed"))] : drawText(text)));
      }
      set(body, "lang", lang);
      head.hidden = meta.hidden = removed;
    }
    drawMeta(state);
    drawButtons(state);
    self.onRender?.();
  }

  /** @param {State} state */
  function drawMeta({ settings }) {
    const { id, created_at, edited_at, copy, pinned, waiting, state } = self.comment;
    const via = settings.show_copy && copyLabel(copy);
    link.href = view.address() + "#c-" + id;
    time.dateTime = created_at;
    setText(time, relativeTime(t("lang"), Date.parse(created_at), view.story.now()));
    const facts = [
      via && t("via", { name: via }),
      edited_at && t("edited"),
      pinned && t("pinned"),
      state === "pending" ? t("pending") : waiting && t("waiting"),
    ];
    const text = ["", ...facts.filter(Boolean)].join(" · ");
    setText(rest, text);
    if (text) meta.append(rest);
  }

  /** Focus the comment without navigation, so that no router of the page reacts. @param {MouseEvent} event */
  function visit(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    view.withPart("more", (part) => part.visit(self.comment.id));
  }

  /** @param {State} state */
  function drawButtons(state) {
    const { state: condition, tally } = self.comment;
    const open = condition === "published";
    const n = sum(tally.counts);
    const offered = [
      open && (isAllowed(state, "react") || n),
      open && isAllowed(state, "comment"),
      condition !== "removed" && !state.read_only,
    ];
    buttons.forEach((element, i) => {
      const action = ACTIONS[i]?.[0] ?? "";
      const text = t(action) + (n && !i ? " " + t("number", { n }) : "");
      element.hidden = !offered[i];
      setText(element, text);
      set(element, "aria-label", t(action + "Of", { name: self.name, text }));
    });
  }

  return self;
}
