/**
 * One comment: its writer, its time, its text, and what can be done about it.
 *
 * @import {Comment, State} from "../types"
 * @import {ViewContext} from "../part-api"
 */
import { button, h, heading, newId, set, setText } from "../dom.js";
import { isAllowed } from "../state.js";
import { renderText as drawText, externalLinkAttrs, copyLabel, safeUrl } from "./comment-text.js";
import { relativeTime } from "../i18n.js";

/** The buttons: what they say, the part that does the work, the icon, and whether the icon stands alone. */
const ACTIONS = /** @type {const} */ ([
  ["addReaction", "comment-reactions", "smile", true],
  ["reply", "writing", "reply", false],
  ["more", "more", "more", true],
]);

/** Steps between the eight colours of avatars, in degrees. */
const HUE_STEP = 45;

/** @param {ViewContext} view */
export function commentView(view) {
  const { t } = view;
  const id = newId();
  const avatar = h("span", { class: "avatar", "aria-hidden": "true" });
  const status = h("p");
  const head = heading(view.level + 2, { id, class: "byline" });
  /** With the exact time, for the tooltip. @type {HTMLAnchorElement & {dateTime?: string}} */
  const time = h("a", { class: "time" });
  // An element: anyone who translates a page replaces its text nodes.
  const rest = h("span");
  const body = h("div", { class: "comment-text", dir: "auto", part: "comment-text" });
  const buttons = ACTIONS.map(([, part, icon]) =>
    button("", () => view.withPart(part, (api) => api.begin(self)), { class: "action icon-" + icon }),
  );
  const foot = h("div", { class: "actions" }, ...buttons);
  const article = h("article", { tabindex: -1, part: "comment", "aria-labelledby": id }, avatar, head, body, foot);

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
    onRender: undefined,
  };

  /** @param {Comment} comment */
  const nameOf = ({ author }) => author?.name || t("anonymous");

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
      const href = safeUrl(author?.website);
      const name = author?.name ?? "";
      const [initial = "?"] = name;
      setText(avatar, gone ? "" : initial.toUpperCase());
      avatar["style"].setProperty("--hue", String(((name.length * 5 + (name.charCodeAt(0) || 0)) % 8) * HUE_STEP));
      head.replaceChildren(
        h("bdi", null, href ? h("a", externalLinkAttrs(href), self.name) : self.name),
        author?.role
          ? h("span", { class: "badge " + author.role }, t(author.role))
          : author?.vouched
            ? h("span", { class: "badge", role: "img", "aria-label": t("vouched") }, "✓")
            : "",
        to ? h("span", null, t("to", { name: nameOf(to) })) : "",
        time,
      );
      // A new count of its reactions comes with the same text.
      if (old?.text !== text) {
        body.replaceChildren(...(gone ? [h("p", { class: "small secondary" }, t("removed"))] : drawText(text)));
      }
      set(body, "lang", lang);
      head.hidden = gone;
    }
    drawFacts(state);
    drawActions(state);
    self.onRender?.();
  }

  /** @param {State} state */
  function drawFacts({ settings, copy: own, story }) {
    const { id, created_at, edited_at, copy, pinned, waiting, state } = self.comment;
    const site = settings.show_copy && copy?.origin !== (own?.origin ?? origin) && copyLabel(copy);
    time.dateTime = created_at;
    time.href = view.address() + "#c-" + id;
    setText(time, relativeTime(t("lang"), Date.parse(created_at), view.story.now()));
    const facts = [site, edited_at && t("edited")].filter(Boolean).join(" · ");
    setText(rest, facts);
    if (facts) head.append(rest);
    const [text, icon] =
      state === "pending"
        ? [t("pending"), "clock"]
        : waiting
          ? [t("waiting"), "clock"]
          : pinned
            ? [t("pinned", { name: story?.publisher || t("moderator") }), "pin"]
            : ["", ""];
    setText(status, text);
    status.className = "state icon-" + icon;
    set(article, "class", icon);
    // What is empty is not there.
    if (text) article.prepend(status);
    else status.remove();
  }

  /** @param {State} state */
  function drawActions(state) {
    const { state: condition, tally } = self.comment;
    const open = condition === "published";
    const offered = [
      open && isAllowed(state, "react"),
      open && isAllowed(state, "comment"),
      condition !== "removed" && !state.read_only,
    ];
    buttons.forEach((element, i) => {
      const [action = "", , , bare] = ACTIONS[i] ?? [];
      const text = t(action);
      element.hidden = !offered[i];
      if (!bare) setText(element, text);
      set(element, "aria-label", t(action + "Of", { name: self.name, text }));
    });
    // Chips stand before the buttons: there is room for them until they come.
    const n = Object.values(tally.counts).filter(Boolean).length;
    if (n && !self.onRender) {
      foot["style"].setProperty("--chips", String(Math.min(n, 4)));
      view.part("comment-reactions").then((api) => api.draw(self), () => {});
    }
  }

  return self;
}
