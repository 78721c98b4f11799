/**
 * View of one comment: author, time, text and buttons.
 *
 * @import {Comment, State} from "../types"
 * @import {ViewContext} from "../part-api"
 */
import { button, h, heading, newId, set, setText } from "../dom.js";
import { isAllowed } from "../state.js";
import { renderText as drawText, externalLinkAttrs, copyLabel, safeUrl } from "./comment-text.js";
import { relativeTime } from "../i18n.js";

/** The buttons: string key, the lazy part that handles the click, and the icon. All but `reply` are icons without a text. */
const ACTIONS = /** @type {const} */ ([
  ["addReaction", "comment-reactions", "smile"],
  ["reply", "writing", "reply"],
  ["more", "options", "more"],
]);

/** Degrees between the eight hues of avatars. */
const HUE_STEP = 45;

/** Create the view of a comment. @param {ViewContext} view */
export function commentView(view) {
  const { t } = view;
  const id = newId();
  const avatar = h("span", { class: "avatar", "aria-hidden": "true" });
  const status = h("p");
  const head = heading(view.level + 2, { id, class: "byline" });
  /** With the exact time, for the tooltip. @type {HTMLAnchorElement & {dateTime?: string}} */
  const time = h("a", { class: "time" });
  // An element, because translation tools replace text nodes.
  const rest = h("span");
  const body = h("div", { class: "comment-text", dir: "auto", part: "comment-text" });
  const buttons = ACTIONS.map(([, part, icon]) =>
    button("", () => view.withPart(part, (part) => part.begin(self)), { class: "action icon-" + icon }),
  );
  const foot = h("div", { class: "actions" }, ...buttons);
  const article = h("article", { tabindex: -1, part: "comment", "aria-labelledby": id }, avatar, head, body, foot);

  const self = {
    element: h("li", null, article),
    article,
    body,
    foot,
    draw,
    // Set by `draw`; `renderVersion` is the view's at the last draw.
    .../** @type {{comment: Comment, name: string, renderVersion: unknown, onRender?: () => void}} */ ({}),
  };

  /** @param {Comment} comment */
  const nameOf = ({ author }) => author.name || t("anonymous");

  /**
   * @param {Comment} comment
   * @param {Comment | false | undefined} to the reply that it answers, if that is not the top comment
   * @param {State} state
   */
  function draw(comment, to, state) {
    const old = self.comment;
    const removed = comment.state === "removed";
    self.comment = comment;
    if (comment !== old) {
      const { author, text, lang } = comment;
      self.name = nameOf(comment);
      const href = safeUrl(author.website);
      const name = author.name ?? "";
      const [initial = "?"] = name;
      setText(avatar, removed ? "" : initial.toUpperCase());
      avatar["style"].setProperty("--hue", String(((name.length * 5 + (name.charCodeAt(0) || 0)) % 8) * HUE_STEP));
      head.replaceChildren(
        h("bdi", null, href ? h("a", externalLinkAttrs(href), self.name) : self.name),
        author.role
          ? h("span", { class: "badge " + author.role }, t(author.role))
          : author.vouched
            ? h("span", { class: "badge", role: "img", "aria-label": t("vouched") }, "✓")
            : "",
        to ? h("span", null, t("to", { name: nameOf(to) })) : "",
        time,
      );
      // A new tally leaves the text array identical.
      if (old?.text !== text) {
        body.replaceChildren(...(removed ? [h("p", { class: "small secondary" }, t("removed"))] : drawText(text)));
      }
      set(body, "lang", lang);
      foot.hidden = head.hidden = removed;
    }
    drawFacts(state);
    drawButtons(state);
    self.onRender?.();
  }

  /** @param {State} state */
  function drawFacts({ settings, copy: own, story }) {
    const { id, created_at, edited_at, copy, pinned, featured, waiting, state } = self.comment;
    const site = settings.show_copy && copy?.origin !== (own?.origin ?? origin) && copyLabel(copy);
    time.dateTime = created_at;
    time.href = view.address() + "#c-" + id;
    setText(time, relativeTime(t("lang"), Date.parse(created_at), view.story.now()));
    const facts = [site, edited_at && t("edited")].filter(Boolean).join(" · ");
    setText(rest, facts);
    if (facts) head.append(rest);
    const mark = pinned ? "pinned" : featured ? "featured" : "";
    const [text, icon] =
      waiting || state === "pending"
        ? [t(state === "published" ? "waiting" : state), "clock"]
        : [mark && t(mark, { name: story?.publisher || t("moderator") }), mark];
    setText(status, text);
    status.className = "state icon-" + icon;
    set(article, "class", icon);
    // An empty paragraph would be read out.
    if (text) article.prepend(status);
    else status.remove();
  }

  /** @param {State} state */
  function drawButtons(state) {
    const { id, state: condition, tally } = self.comment;
    const open = condition === "published";
    const offered = [
      open && isAllowed(state, "react"),
      open && isAllowed(state, "comment"),
      condition !== "removed" && !state.read_only,
    ];
    buttons.forEach((element, i) => {
      const [action = ""] = ACTIONS[i] ?? [];
      const text = t(action);
      element.hidden = !offered[i];
      if (action === "reply") setText(element, text);
      set(element, "aria-label", t(action + "Of", { name: self.name, text }));
    });
    // Reserve the space of the chips until the part is loaded, so that the buttons do not move.
    const n = Object.values(tally.counts).filter(Boolean).length;
    if ((n || state.mine.reactions[id]) && !self.onRender) {
      foot["style"].setProperty("--chips", String(Math.min(n, 4)));
      view.part("comment-reactions").then((part) => part.draw(self), () => {});
    }
  }

  return self;
}
