/**
 * What runs when a page loads the embed: it defines the element once and puts one behind every link of a snippet.
 *
 * What someone else made is never moved or taken away: a framework that owns a link finds it where it left it. What is not
 * the snippet as it was made is decided by a part of its own.
 */
import { SCRIPT_SERVER, importPart } from "./parts.js";
import { StoryWidget } from "./element.js";
import { parseStoryUrl } from "./view/comment-text.js";

/** @typedef {HTMLAnchorElement & HTMLScriptElement} Origin a link, or a script of ours */
/** @typedef {Document | ShadowRoot} Root */

const NAME = "story-widget";

/** How long links wait for the page to be loaded, in milliseconds. */
const PATIENCE = 4_000;
/** How long a page may change before it is looked through, in milliseconds. */
const PAUSE = 50;

/** Links -> their elements, and where they led then. @type {Map<Origin, [StoryWidget, string]>} */
const taken = new Map();
/** @type {Set<Root>} */
const roots = new Set();
let due = 0;
const observer = new MutationObserver(() => {
  // Some pages change without end.
  due ||= setTimeout(() => {
    due = 0;
    roots.forEach(scan);
  }, PAUSE);
});

/** Finds the links in a document, or in a shadow root of which no one else knows, now and whenever it changes. @param {Root} root */
function upgrade(root) {
  roots.add(root);
  observer.observe(root, { attributeFilter: ["href"], childList: true, subtree: true });
  scan(root);
}

/** @param {Root} root */
function scan(root) {
  const { homes } = StoryWidget;
  for (const [link, [element, href]] of taken) {
    if (link.isConnected && link.href === href) continue;
    taken.delete(link);
    element.remove();
  }
  const all = [`a.${NAME},[data-story]`, ...homes.map((home) => `a[href^='${home}/s/']`)].join();
  const odd = [.../** @type {NodeListOf<Origin>} */ (root.querySelectorAll(all))].filter(
    (origin) =>
      !taken.has(origin) &&
      !origin.closest(NAME + ",noscript,[contenteditable],[data-story-widget=off]") &&
      (!origin.matches("a." + NAME) ||
        !parseStoryUrl(origin.href) ||
        [...root.querySelectorAll(NAME)].some((each) => each.getAttribute("src") === origin.href) ||
        !put(origin)),
  );
  if (homes[0] && odd[0]) importPart(homes[0], "links").then((part) => part.decide(odd, root, homes, put), () => {});
}

/**
 * Puts an element behind a link or script, or behind the quotation that it stands in.
 *
 * @param {Origin} origin
 * @param {string} [src]
 */
function put(origin, src = origin.href) {
  const { widgetToken: token, identity } = origin.dataset;
  const element = /** @type {StoryWidget} */ (document.createElement(NAME));
  for (const [name, value] of Object.entries({ src, token, identity })) {
    if (value) element.setAttribute(name, value);
  }
  if (origin.href) {
    element.links.push(origin);
    taken.set(origin, [element, origin.href]);
  }
  (origin.closest("blockquote:not(blockquote[cite] *)") ?? origin).after(element);
  return element;
}

function start() {
  const known = /** @type {typeof StoryWidget | undefined} */ (customElements.get(NAME));
  if (SCRIPT_SERVER) (known ?? StoryWidget).homes?.push(SCRIPT_SERVER);
  if (known) return;
  /** @type {any} */ (window).StoryWidget ??= { upgrade };
  customElements.define(NAME, StoryWidget);
  const begin = () => upgrade(document);
  // What a framework takes over as its server wrote it has to be so until then.
  addEventListener("load", () => /** @type {any} */ (window.requestIdleCallback ?? setTimeout)(begin));
  setTimeout(begin, document.readyState === "complete" ? 0 : PATIENCE);
}

// A page prepared in advance may never be seen.
if (/** @type {{prerendering?: boolean}} */ (document).prerendering) {
  document.addEventListener("prerenderingchange", start, { once: true });
} else start();
