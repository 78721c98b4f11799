/**
 * Entry point: define the custom element once per page and insert one after every snippet link.
 *
 * Elements of the page are never moved or removed, because a framework may own them. Links and scripts that differ from
 * the original snippet are handled by the lazy part `links`.
 */
import { h } from "./dom.js";
import { SCRIPT_SERVER, importPart } from "./parts.js";
import { StoryWidget } from "./element.js";
import { parseStoryUrl } from "./view/comment-text.js";

/** @typedef {HTMLAnchorElement & HTMLScriptElement} Origin a link, or an embed script */
/** @typedef {Document | ShadowRoot} Root */

const NAME = "story-widget";

/** Scan at the latest after this many milliseconds, even if the page is still loading. */
const START_TIMEOUT_MS = 4_000;
/** Delay in milliseconds between a change of the page and the scan. */
const SCAN_DELAY_MS = 50;

/** Upgraded links with their elements, and the links' addresses at that time. @type {Map<Origin, [StoryWidget, string]>} */
const upgraded = new Map();
/** @type {Set<Root>} */
const roots = new Set();
let timer = 0;
const observer = new MutationObserver(() => {
  // Batch: some pages change continuously.
  timer ||= setTimeout(() => {
    timer = 0;
    roots.forEach(scan);
  }, SCAN_DELAY_MS);
});

/** Upgrade the links in a document or a shadow root, now and after each change. @param {Root} root */
function upgrade(root) {
  roots.add(root);
  observer.observe(root, { attributeFilter: ["href"], childList: true, subtree: true });
  scan(root);
}

/** @param {Root} root */
function scan(root) {
  const { homes } = StoryWidget;
  for (const [link, [element, href]] of upgraded) {
    if (link.isConnected && link.href === href) continue;
    upgraded.delete(link);
    element.remove();
  }
  const all = [`a.${NAME},[data-story]`, ...homes.map((home) => `a[href^='${home}/s/']`)].join();
  const candidates = [.../** @type {NodeListOf<Origin>} */ (root.querySelectorAll(all))].filter(
    (origin) =>
      !upgraded.has(origin) &&
      !origin.closest(NAME + ",noscript,[contenteditable],[data-story-widget=off]") &&
      (!origin.matches("a." + NAME) ||
        !parseStoryUrl(origin.href) ||
        root.querySelector(`${NAME}[src=${CSS.escape(origin.href)}]`) ||
        !insertElement(origin)),
  );
  if (homes[0] && candidates[0]) importPart(homes[0], "links").then((part) => part.decide(candidates, root, homes, insertElement), () => {});
}

/**
 * Insert an element after a link or script, or after the blockquote that contains it.
 *
 * @param {Origin} origin
 * @param {string} [src]
 */
function insertElement(origin, src = origin.href) {
  const { widgetToken: token, identity, lang } = origin.dataset;
  // Publishing systems may leave an attribute empty.
  const attributes = { src, token, identity: identity || null, lang: lang || null };
  const element = /** @type {StoryWidget} */ (h(/** @type {any} */ (NAME), attributes));
  if (origin.href) {
    element.links.push(origin);
    upgraded.set(origin, [element, origin.href]);
  }
  (origin.closest("blockquote:not(blockquote[cite] *)") ?? origin).after(element);
  return element;
}

function start() {
  // Older browsers keep the link. Browsers that have these two features have all that are needed (test/oldest-browsers.test.js).
  if (!CSS.supports("color:color-mix(in oklab,red,red)") || !document.adoptedStyleSheets) return;
  const defined = /** @type {typeof StoryWidget | undefined} */ (customElements.get(NAME));
  if (SCRIPT_SERVER) (defined ?? StoryWidget).homes?.push(SCRIPT_SERVER);
  if (defined) return;
  /** @type {any} */ (window).StoryWidget ??= { upgrade };
  customElements.define(NAME, StoryWidget);
  const begin = () => upgrade(document);
  // Until `load` a framework may hydrate the page: its HTML must be unchanged.
  addEventListener("load", () => /** @type {any} */ (window.requestIdleCallback ?? setTimeout)(begin));
  setTimeout(begin, document.readyState === "complete" ? 0 : START_TIMEOUT_MS);
}

// A prerendered page may never be shown.
if (/** @type {{prerendering?: boolean}} */ (document).prerendering) {
  document.addEventListener("prerenderingchange", start, { once: true });
} else start();
