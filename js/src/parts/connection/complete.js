/**
 * Completes a view after its first paint: styles that move nothing, links to comments, and listeners that load other parts.
 *
 * @import {Shared, ViewContext} from "../../part-api"
 */
import { COMMENT } from "../../view/comment-text.js";
import css from "./style.css";

/** Interval in milliseconds at which relative times are updated. */
const CLOCK_INTERVAL_MS = 60_000;

/**
 * Add listeners and late styles to a view.
 *
 * @param {ViewContext} view
 * @param {import("../../element").StoryWidget} host
 * @param {Shared} tools
 */
export function complete(view, host, tools) {
  const { story, part, withPart, list } = view;
  const { set } = tools;
  const element = /** @type {HTMLElement} */ (list.parentElement);
  const end = new AbortController();
  const { signal } = end;
  const clock = setInterval(view.redraw, CLOCK_INTERVAL_MS);
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
  const composer = find(".composer");
  const status = /** @type {HTMLElement} */ (element.lastElementChild);
  const presence = find(".presence");
  const reportError = find(".bar ~ .row > button");
  const text = /** @type {HTMLTextAreaElement} */ (find("textarea"));
  const [notice, reason] = /** @type {[HTMLElement, HTMLElement]} */ ([...element.querySelectorAll(".notice")]);
  /** Whether there ever was a notice, or a reason why readers cannot write. @type {unknown} */
  let noticed;
  /** What the last draw counted. @type {Pick<import("../../types").Tally, "counts"> | undefined} */
  let last;
  /** What was selected in the page when the press began. @type {string | undefined} */
  let selected;
  view.style(css);
  // Reactions chosen before the page was left, without a reply yet.
  if (story.storage().unsent) story.loadLivePart().then(() => story.resume(), () => {});
  // Without a snippet the page has no attribution; in a quotation the ink may be too light.
  if (!host.links[0] || host.closest("blockquote")) view.fetchPart("navigation").then((part) => part.adapt(view, host, signal, tools), () => {});

  /** Load a part that then draws by itself. @param {"live" | "navigation" | "options"} name */
  const load = (name) => part(name).catch(() => {});
  /** Load the actions, and the updates of other readers. */
  const onNear = () => {
    load("live");
    load("navigation");
  };
  const attach = () => part("writing").then((part) => part.attach(composer), () => {});

  /** Show the comment named in the page's fragment. */
  function goToHash() {
    const id = COMMENT.exec(location.hash)?.[1];
    if (id) withPart("more", (part) => part.go(id));
  }

  /**
   * Call `listener` when the reader approaches an element, or now if the focus or the pointer is already in it.
   *
   * @param {HTMLElement} target
   * @param {string[]} types
   * @param {() => void} listener
   */
  function whenNear(target, types, listener) {
    if (target.matches(":focus-within") || (target.matches(":hover") && types[1])) listener();
    else for (const type of types) target.addEventListener(type, listener, { once: true });
  }

  // Save a draft from the first character on. The part `writing` replaces this listener.
  const save = () => story.saveToStorage({ drafts: { ...story.storage().drafts, [story.code + " "]: text.value } });
  text.oninput = save;
  if (text.value) save();
  // Load the actions when the reader approaches the widget.
  whenNear(element, ["focusin", "pointerover"], onNear);
  whenNear(composer, ["focusin"], attach);
  element.addEventListener(
    "click",
    (event) => {
      // Hide a visible message at the next click.
      status.className = "visually-hidden";
      view.selected = selected ?? readSelection();
      selected = undefined;
      const { target, metaKey, ctrlKey, shiftKey, altKey } = event;
      const link = /** @type {HTMLAnchorElement | null} */ (/** @type {Element} */ (target).closest(".time"));
      if (!link || metaKey || ctrlKey || shiftKey || altKey) return;
      // Focus the comment without navigation, so that no router of the page reacts.
      event.preventDefault();
      withPart("more", (part) => part.visit(link.hash.slice(3)));
    },
    true,
  );
  /** Return what is selected in the page; a selection in a field or a shadow tree counts as collapsed, or is not of the document. */
  function readSelection() {
    const selection = getSelection();
    return selection?.isCollapsed || !document.contains(selection?.anchorNode ?? null) ? "" : String(selection);
  }
  // A press on a button ends the selection before its click.
  element.addEventListener("pointerdown", () => (selected = readSelection()), true);
  addEventListener("hashchange", goToHash, { signal });
  goToHash();

  const { onRender } = view;
  view.onRender = (state) => {
    onRender?.(state);
    const { unseen, settings, mine, ban, older, story: facts, read_only } = state;
    // Also logs the reason for the page's owner.
    noticed ||= facts?.notice || facts?.closed || read_only || state.identity || state.lapsed;
    if (noticed) part("more").then((part) => part.drawNotices(notice, reason), () => {});
    // The reader may have reacted before this part was there: the live part shows the site's links then.
    if (unseen[0] ?? state.optimistic) load("live");
    // It loads what shows decisions about this reader, opening hours, corrections and that the copy is older.
    if (ban ?? mine.reports ?? mine.hints ?? settings.mode ?? facts?.corrections ?? older) load("navigation");
    // It shows the comments of one language first, where the owner keeps languages apart.
    if (settings.discussion_languages) load("options");
    element["style"].setProperty("--site-accent", settings.accent ?? "");
    set(presence, "data-readers", state.presence.readers);
    set(reportError, "hidden", !!read_only);
    const { drafts, queue } = story.storage();
    if (drafts || queue) attach();
    // Reactions of other readers are animated, not announced.
    const before = last;
    const now = (last = state.optimistic ?? state.tally);
    if (before && before !== now) part("navigation").then((part) => part.burst(before.counts, now.counts), () => {});
  };
  view.onRender(story.state);

  view.onClose = () => {
    end.abort();
    clearInterval(clock);
  };
}
