/**
 * Lazy part `navigation`: one tab stop per comment and one for the reactions to the story, keys that move between
 * comments, a button that skips the list, threads that fold, and dates as tooltips. Also attribution, the ink of a quotation, and
 * the animation when others react.
 *
 * @import {NavigationPart, Shared, ViewContext} from "../../part-api"
 */
import { createLoader } from "./decisions.js";
import { burst } from "./reaction-animation.js";
import { addTimeTooltips } from "./time-tooltips.js";
import css from "./style.css";

export { reportBlockedSocket } from "../../csp.js";
export { adapt } from "./adapt.js";
export { STRINGS } from "./strings.js";

/** A list of up to this many comments needs no skip button. */
const FEW_COMMENTS = 4;

/** Elements of a comment that can be focused, except open pickers and menus. */
const STOPS = [":scope > .byline a", ":scope > .comment-text a", ":scope > .actions > button"].join();

/**
 * Add keys, the skip button and folding to a view.
 *
 * @param {ViewContext} view
 * @param {Shared} tools
 * @returns {NavigationPart}
 */
export function open(view, tools) {
  const { set, button } = tools;
  const { story, list, t } = view;
  const widget = /** @type {HTMLElement} */ (list.parentElement);
  const reactions = /** @type {HTMLElement} */ (widget.querySelector(".reactions"));
  /** The tab stop of each comment, and of the reactions. @type {WeakMap<Element, HTMLElement>} */
  const entries = new WeakMap();
  view.style(css);

  const skip = button(t("skip"), () => {
    for (let place = list.nextElementSibling; place; place = place.nextElementSibling) {
      const target = place.matches("button") ? place : place.querySelector("a, button");
      if (isShown(target)) return target?.focus();
    }
  }, { class: "skip-link" });
  list.before(skip);

  /** @param {any} element @returns {element is HTMLElement} */
  const isShown = (element) => !!element?.getClientRects().length;

  /** @param {Element} row a comment, or the reactions to the story @returns {HTMLElement[]} */
  const stopsOf = (row) => [...row.querySelectorAll(row === reactions ? "button" : STOPS)].filter((each) => !(/** @type {HTMLElement} */ (each).hidden)).map((each) => /** @type {HTMLElement} */ (each));

  /** @param {HTMLElement} at */
  const rowOf = (at) => at.closest("article, .reactions");

  /** Make `entry` the only tab stop of a row. @param {Element} row @param {HTMLElement[]} stops @param {HTMLElement} entry */
  function enter(row, stops, entry) {
    entries.set(row, entry);
    for (const stop of stops) {
      const value = stop === entry ? 0 : -1;
      if (stop.getAttribute("tabindex") !== String(value)) stop.tabIndex = value;
    }
  }

  function refresh() {
    const articles = [...list.querySelectorAll("article")];
    skip.hidden = articles.length <= FEW_COMMENTS;
    for (const row of [reactions, ...articles]) {
      const stops = stopsOf(row);
      const known = entries.get(row);
      const entry = known && stops.includes(known) ? known : stops.find((each) => each.matches(":focus")) ?? stops.find((each) => each.matches("button")) ?? stops[0];
      if (entry) enter(row, stops, entry);
    }
    for (const thread of /** @type {Iterable<HTMLElement>} */ (list.children)) drawFold(thread);
  }

  /** Draw, update or remove the fold button of a thread. @param {HTMLElement} thread */
  function drawFold(thread) {
    let fold = /** @type {HTMLElement | null} */ (thread.querySelector(":scope > .fold"));
    const id = /** @type {HTMLAnchorElement | null} */ (thread.querySelector(".time"))?.hash.slice(3);
    const known = story.state.threads.find((each) => each.id === id);
    const n = known ? known.replies.length + known.more : 0;
    if (!n || !thread.querySelector(":scope > .replies")) {
      fold?.remove();
      thread.classList.remove("folded");
      return;
    }
    if (!fold) {
      fold = button("", () => toggle(thread), { class: "fold icon-down", "aria-expanded": "true" });
      thread.append(fold);
    }
    const name = t("allReplies", { n });
    const folded = thread.matches(".folded");
    const text = folded ? name : "";
    if (fold.textContent !== text) fold.textContent = text;
    if (fold.ariaLabel !== name) set(fold, "aria-label", name);
    const title = folded ? null : t("hideReplies");
    if (fold.getAttribute("title") !== title) set(fold, "title", title);
  }

  /** Fold or unfold a thread. @param {HTMLElement} thread */
  function toggle(thread) {
    const folded = thread.classList.toggle("folded");
    set(/** @type {Element} */ (thread.querySelector(":scope > .fold")), "aria-expanded", String(!folded));
    drawFold(thread);
  }

  // Unfold a thread if one of its comments is requested.
  const { comment } = view;
  view.comment = (id) => {
    const handle = comment(id);
    const thread = /** @type {HTMLElement | null | undefined} */ (handle?.article.closest(".replies")?.closest(".folded"));
    if (thread) toggle(thread);
    return handle;
  };

  widget.addEventListener("keydown", (event) => {
    const { key, target, ctrlKey, metaKey, altKey, shiftKey } = event;
    const at = /** @type {HTMLElement} */ (target);
    if (ctrlKey || metaKey || altKey || shiftKey || at.closest("input, textarea, select, .composer, .reaction-picker, .popover, .panel")) return;
    const article = at.closest("article");
    const row = rowOf(at);
    const stops = row ? stopsOf(row) : [];
    const place = stops.indexOf(at);
    const ahead = getComputedStyle(widget).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const all = [...list.querySelectorAll("article")].filter(isShown);
    /** @type {HTMLElement | undefined} */
    let next;
    if (key === "j" || key === "k") {
      const now = article ? all.indexOf(article) : -1;
      next = all[key === "j" ? now + 1 : Math.max(0, now - 1)];
    } else if (key === "n") {
      /** @type {HTMLElement | null} */ (widget.querySelector(".new-comments:not([hidden])"))?.click();
    } else if (row && (at === row || place >= 0)) {
      if (/^Arrow(Left|Right)$/.test(key)) {
        const step = key === ahead ? 1 : -1;
        next = place < 0 ? entries.get(row) : stops[(place + step + stops.length) % stops.length];
      } else if (key === "Home") next = stops[0];
      else if (key === "End") next = stops.at(-1);
      else if (key === "Escape" && place >= 0 && article) next = article;
      if (next && next !== article) enter(row, stops, next);
    }
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  // Tab returns to the element that had the focus last.
  widget.addEventListener("focusin", ({ target }) => {
    const at = /** @type {HTMLElement} */ (target);
    const row = rowOf(at);
    const stops = row ? stopsOf(row) : [];
    if (row && stops.includes(at)) enter(row, stops, at);
  });

  const observer = new MutationObserver(refresh);
  observer.observe(reactions, { childList: true });
  observer.observe(list, { childList: true, subtree: true, attributeFilter: ["hidden"] });
  refresh();
  addTimeTooltips(view, tools);
  return {
    ...createLoader(view),
    burst(before, now) {
      const icons = /** @type {NodeListOf<HTMLElement>} */ (reactions.querySelectorAll(".icon"));
      story.state.settings.reactions.forEach(({ key }, i) => burst(icons[i], (now[key] ?? 0) - (before[key] ?? 0)));
    },
  };
}
