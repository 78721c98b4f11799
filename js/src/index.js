/**
 * What runs when a page loads the embed: it defines the element once and puts it in the place of every snippet.
 */
import { StoryWidget, whereTo } from "./element.js";

const NAME = "story-widget";
const MADE = "data-story-made";

/** Links of the snippet -> elements that hold them. */
function upgradeLinks() {
  for (const link of [...document.querySelectorAll(`a.${NAME}[href]`)]) {
    const href = link.getAttribute("href");
    if (link.closest(NAME) || !whereTo(href)) continue;
    const { widgetToken, identity } = /** @type {HTMLElement} */ (link).dataset;
    const element = make(href, widgetToken, identity);
    link.replaceWith(element);
    element.append(link);
  }
}

/** `<script src=".../embed.js" data-story="CODE" data-widget-token="TOKEN">` -> an element behind it. */
function upgradeScripts() {
  for (const script of document.querySelectorAll("script[data-story]")) {
    const { src, dataset } = /** @type {HTMLScriptElement} */ (script);
    // A second run of this file finds the mark of the first.
    if (!src || script.hasAttribute(MADE)) continue;
    script.setAttribute(MADE, "");
    script.after(
      make(new URL("/s/" + dataset.story, src).href, dataset.widgetToken, dataset.identity),
    );
  }
}

/**
 * @param {string | null} src
 * @param {string | undefined} token
 * @param {string | undefined} identity
 */
function make(src, token, identity) {
  const element = document.createElement(NAME);
  for (const [name, value] of Object.entries({ src, token, identity })) {
    if (value) element.setAttribute(name, value);
  }
  return element;
}

function upgrade() {
  upgradeLinks();
  upgradeScripts();
}

function start() {
  if (!customElements.get(NAME)) {
    customElements.define(NAME, StoryWidget);
    // A page that changes without loading brings its snippets later.
    new MutationObserver((records) => {
      if (records.some((record) => record.addedNodes.length)) upgrade();
    }).observe(document.documentElement, { childList: true, subtree: true });
  }
  upgrade();
}

// A page prepared in advance may never be seen.
if (/** @type {{prerendering?: boolean}} */ (document).prerendering) {
  document.addEventListener("prerenderingchange", start, { once: true });
} else start();
