/**
 * What becomes of links and scripts that are not a snippet as it was made: without their class, behind another address, twice
 * in one place, or where nothing can be shown.
 */
import { parseStoryUrl } from "../../view/comment-text.js";
import { logOnce } from "../../csp.js";

/** @typedef {import("../../index").Origin} Origin */
/** @typedef {import("../../index").Root} Root */
/** @typedef {import("../../element").StoryWidget} StoryWidget */

const NAME = "story-widget";
/** Types of scripts that a browser runs. */
const RUNS = /^(module|\w+\/(x-)?(java|ecma)script)?$/i;

/** What waits for the next look, by its root. @type {Map<Root, () => void>} */
const waiting = new Map();
/** A page that changes without end is looked at for so small a part of the time. */
const SHARE = 1 / 20;
let timer = 0;

/** Decides at once or, where that was just done, later: what is asked is what the browser has to lay the page out for. @type {typeof judge} */
export function decide(odd, root, homes, put) {
  waiting.set(root, () => judge(odd, root, homes, put));
  if (!timer) look();
}

function look() {
  timer = 0;
  if (!waiting.size) return;
  const since = performance.now();
  for (const work of waiting.values()) work();
  waiting.clear();
  timer = setTimeout(look, (performance.now() - since) / SHARE);
}

/**
 * Upgrades those that are meant.
 *
 * @param {Origin[]} odd in the order of the page
 * @param {Root} root what they are in
 * @param {string[]} homes the servers whose embed the page has; the first is the one of a link that leads elsewhere
 * @param {(origin: Origin, src: string) => StoryWidget} put
 */
function judge(odd, root, homes, put) {
  /** @param {Origin} origin */
  function link(origin) {
    const { story } = origin.dataset;
    const src = storyAt(origin.href) ?? (story?.length === 12 && storyAt(`${homes[0]}/s/${story}`));
    if (!src || elements().some(({ links }) => links.includes(origin))) return;
    const bare = !origin.matches(`a.${NAME},a[data-story]`);
    if (bare && !(isPlain(origin, src) && isAlone(origin))) return;
    const known = elements().filter((each) => storyAt(each.getAttribute("src")) === src);
    // Who says nothing but an address asks for no second discussion.
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
    if (!story || !RUNS.test(origin.type) || origin.noModule) return;
    const src = storyAt("/s/" + story, origin.src);
    // No one finds it again.
    origin.removeAttribute("data-story");
    if (!src) return;
    if (!origin.closest("head")) {
      const twin = elements().find((each) => storyAt(each.getAttribute("src")) === src && adjoins(each, origin));
      if (twin || put(origin, src).getClientRects()[0]) return;
    }
    logOnce(
      "The <script> with data-story stands in <head>, or in an element that is hidden. Put it where the discussion is to " +
        `be, or put <story-widget src="${src}"></story-widget> there.`,
    );
  }

  const elements = () => /** @type {StoryWidget[]} */ ([...root.querySelectorAll(NAME)]);

  /** @param {Origin} origin @param {string} src */
  const isPlain = ({ hash, relList }, src) =>
    !hash && !relList.contains("ugc") && homes.includes(src.slice(0, -"/s/".length - 12));

  for (const origin of odd) {
    if (origin.isConnected) (origin.src ? script : link)(origin);
  }
}

/** The address of a story in its one spelling, or nothing. @param {unknown} address @param {string} [base] */
function storyAt(address, base) {
  const place = parseStoryUrl(address, base);
  return place && `${place.server}/s/${place.code}`;
}

/**
 * Whether a link is a line of its own: in what is shown or, where an editor took the paragraphs away, at the beginning of a
 * quotation's source.
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

/** @param {Element} link */
const placeOf = (link) => link.closest("blockquote") ?? link;

/**
 * Whether there is nothing between a widget, with the quotation before it, and what would bring another one.
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
