/**
 * What a view need not have at its first paint: styles that move nothing, ways to a comment, and what takes notice of its
 * reader.
 *
 * @import {Shared, ViewContext} from "../../part-api"
 */
import { COMMENT } from "../../view/comment-text.js";
import css from "./style.css";

/** How often "5 minutes ago" is written anew, in milliseconds. */
const MINUTE = 60_000;

/**
 * @param {ViewContext} view
 * @param {import("../../element").StoryWidget} host
 * @param {Shared} tools
 */
export function complete(view, host, tools) {
  const { story, part, withPart, list } = view;
  const { counts, set } = tools;
  const element = /** @type {HTMLElement} */ (list.parentElement);
  const end = new AbortController();
  const { signal } = end;
  const clock = setInterval(view.renew, MINUTE);
  const composer = /** @type {HTMLElement} */ (element.querySelector(".composer"));
  const status = /** @type {HTMLElement} */ (element.querySelector("[role=status]"));
  const presence = /** @type {HTMLElement} */ (element.querySelector(".presence"));
  /** @type {Record<string, number> | undefined} */
  let last;
  view.style(css);
  // Chosen before the page was left, and not answered.
  if (story.storage().unsent) story.loadLivePart().then(() => story.resume(), () => {});
  // Names the story where no snippet does it.
  if (!host.firstElementChild && !host.links[0]) {
    view.fetchPart("more").then(({ addAttribution }) => addAttribution(host, story.state.story, tools)).catch(() => {});
  }

  /** What it takes to act, and what shows that others do. */
  const loadLive = () => part("live").catch(() => {});
  const come = () => Promise.all([loadLive(), part("navigation")]).catch(() => {});
  const take = () => part("writing").then((desk) => desk.attach(composer), () => {});

  /** To the comment that the address names. */
  function goToHash() {
    const id = COMMENT.exec(location.hash)?.[1];
    if (id) withPart("more", (desk) => desk.go(id));
  }

  /**
   * @param {HTMLElement} place
   * @param {string[]} types
   * @param {() => void} act once, also for who was there before
   */
  function whenNear(place, types, act) {
    if (place.matches(":focus-within") || (place.matches(":hover") && types[1])) act();
    else for (const type of types) place.addEventListener(type, act, { once: true });
  }

  // A draft from the first letter on; the part for writing takes this over.
  const text = /** @type {HTMLTextAreaElement} */ (composer.querySelector("textarea"));
  const save = () => story.saveToStorage({ drafts: { ...story.storage().drafts, [story.code + " "]: text.value } });
  text.oninput = save;
  if (text.value) save();
  // Who comes near may act.
  whenNear(element, ["focusin", "pointerover"], come);
  whenNear(composer, ["focusin"], take);
  element.addEventListener(
    "click",
    (event) => {
      // What was said loud was seen by who goes on.
      status.className = "visually-hidden";
      const { target, metaKey, ctrlKey, shiftKey, altKey } = event;
      const link = /** @type {HTMLAnchorElement | null} */ (/** @type {Element} */ (target).closest(".time"));
      if (!link || metaKey || ctrlKey || shiftKey || altKey) return;
      // Opens nothing, and tells no router of the page.
      event.preventDefault();
      withPart("more", (desk) => desk.visit(link.hash.slice(3)));
    },
    true,
  );
  addEventListener("hashchange", goToHash, { signal });
  goToHash();

  const before = view.onRender;
  view.onRender = (state) => {
    before?.(state);
    const { read_only, identity, lapsed, unseen, settings } = state;
    // For the person who looks after the page.
    if (read_only || identity || lapsed) withPart("more", (desk) => desk.logReadOnly());
    if (unseen[0]) loadLive();
    set(presence, "data-readers", state.presence.readers);
    const { drafts, queue } = story.storage();
    if (drafts || queue) take();
    // Other readers' reactions are shown by a short movement, and not announced.
    const now = counts(state);
    settings.reactions.forEach(({ key }, i) => {
      const more = (now[key] ?? 0) - ((last ?? now)[key] ?? 0);
      if (more > 0) part("live").then((live) => live.burst(/** @type {HTMLElement} */ (element.querySelectorAll(".reactions .icon")[i]), more), () => {});
    });
    last = now;
  };
  view.onRender(story.state);

  view.onClose = () => {
    end.abort();
    clearInterval(clock);
  };
}
