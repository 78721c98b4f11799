/**
 * Lazy part `links`: links and scripts that differ from the original snippet. They may lack their class, have a rewritten
 * address, stand twice in one place, or stand where nothing can be shown.
 */
import { parseStoryUrl } from "../../view/comment-text.js";
import { logOnce } from "../../csp.js";

/** @typedef {import("../../index").Origin} Origin */
/** @typedef {import("../../index").Root} Root */
/** @typedef {import("../../element").StoryWidget} StoryWidget */

const NAME = "story-widget";
/** Script types that a browser runs. */
const RUNNABLE = /^(module|\w+\/(x-)?(java|ecma)script)?$/i;

/** Pending work, by root. @type {Map<Root, () => void>} */
const pending = new Map();
/** Share of the time spent on a page that changes continuously. */
const TIME_SHARE = 1 / 20;
let timer = 0;

/** Call `upgradeCandidates` now, or later if it ran recently: it reads values that force a layout. @type {typeof upgradeCandidates} */
export function decide(candidates, root, homes, put) {
  pending.set(root, () => upgradeCandidates(candidates, root, homes, put));
  if (!timer) run();
}

function run() {
  timer = 0;
  if (!pending.size) return;
  const since = performance.now();
  for (const work of pending.values()) work();
  pending.clear();
  timer = setTimeout(run, (performance.now() - since) / TIME_SHARE);
}

/**
 * Upgrade the links and scripts that are meant as widgets.
 *
 * @param {Origin[]} candidates in document order
 * @param {Root} root document or shadow root that contains them
 * @param {string[]} homes origins of the embed scripts of the page; the first is used for links with a rewritten address
 * @param {(origin: Origin, src: string) => StoryWidget} put
 */
function upgradeCandidates(candidates, root, homes, put) {
  /** @param {Origin} origin */
  function link(origin) {
    const { story } = origin.dataset;
    const src = storyAt(origin.href) ?? (story?.length === 12 && storyAt(`${homes[0]}/s/${story}`));
    if (!src || elements().some(({ links }) => links.includes(origin))) return;
    const bare = !origin.matches(`a.${NAME},a[data-story]`);
    if (bare && !(isPlain(origin, src) && isAlone(origin))) return;
    const known = elements().filter((each) => storyAt(each.getAttribute("src")) === src);
    // A bare address does not create a second discussion.
    if (bare && known[0]) return;
    const twin = known.find((each) => adjoins(each, origin));
    if (!twin) {
      put(origin, src);
      return;
    }
    twin.links.push(origin);
    if (twin.shadowRoot?.querySelector("section")) origin["style"].display = "none";
  }

  /** @param {Origin} origin */
  function script(origin) {
    const { story } = origin.dataset;
    if (!story || !RUNNABLE.test(origin.type) || origin.noModule) return;
    const src = storyAt("/s/" + story, origin.src);
    // The next scan must not find it again.
    origin.removeAttribute("data-story");
    if (!src) return;
    if (!origin.closest("head")) {
      const twin = elements().find((each) => storyAt(each.getAttribute("src")) === src && adjoins(each, origin));
      if (twin || put(origin, src).getClientRects()[0]) return;
    }
    logOnce(
      "The <script> with data-story is in <head> or in a hidden element. Move it to where the discussion should appear, " +
        `or put <story-widget src="${src}"></story-widget> there.`,
    );
  }

  const elements = () => /** @type {StoryWidget[]} */ ([...root.querySelectorAll(NAME)]);

  /** @param {Origin} origin @param {string} src */
  const isPlain = ({ hash, relList }, src) =>
    !hash && !relList.contains("ugc") && homes.includes(src.slice(0, -"/s/".length - 12));

  for (const origin of candidates) {
    if (origin.isConnected) (origin.src ? script : link)(origin);
  }
}

/** Return the canonical address of a story, or null. @param {unknown} address @param {string} [base] */
function storyAt(address, base) {
  const place = parseStoryUrl(address, base);
  return place && `${place.server}/s/${place.code}`;
}

/**
 * Whether a link is alone in its line: in the rendered text, or in the first source line of a blockquote whose paragraphs an
 * editor removed.
 *
 * @param {Origin} link
 */
function isAlone(link) {
  const text = link.innerText.trim();
  const block = link.closest("p,td,div,blockquote,body") ?? link.parentElement ?? link;
  const lines = /** @type {HTMLElement} */ (block).innerText.split("\n");
  const source = link.closest("blockquote")?.textContent.replace(/<.?p>/g, "").trim() ?? "";
  return text && [...lines, source.split("\n", 1)[0]].some((line) => line?.trim() === text);
}

/** Return the blockquote of a link, else the link. @param {Element} link */
const placeOf = (link) => link.closest("blockquote") ?? link;

/**
 * Whether there is no text between a widget (with its blockquote) and a link or script.
 *
 * @param {StoryWidget} element
 * @param {Origin} origin
 */
function adjoins(element, origin) {
  const place = placeOf(origin);
  const between = new Range();
  if (element.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING) {
    between.setStartAfter(element);
    between.setEndBefore(place);
  } else {
    between.setStartAfter(place);
    between.setEndBefore(element.links[0] ? placeOf(element.links[0]) : element);
  }
  return !between.toString().trim();
}
