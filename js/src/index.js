/**
 * What runs when a page loads the embed: it defines the element once and puts it in the place of every snippet.
 */
import { StoryWidget, whereTo } from "./element.js";

const NAME = "story-widget";

/**
 * Links of the snippet -> elements that hold them; `<script src=".../embed.js" data-story="CODE"
 * data-widget-token="TOKEN">` -> an element behind it.
 */
function upgrade() {
  const found = document.querySelectorAll(`a.${NAME}[href],script[src][data-story]`);
  for (const origin of /** @type {NodeListOf<HTMLAnchorElement & HTMLScriptElement>} */ (found)) {
    const { story, widgetToken: token, identity } = origin.dataset;
    const src = origin.href || new URL("/s/" + story, origin.src).href;
    if (origin.closest(NAME) || !whereTo(src)) continue;
    const element = document.createElement(NAME);
    for (const [name, value] of Object.entries({ src, token, identity })) {
      if (value) element.setAttribute(name, value);
    }
    origin.after(element);
    if (origin.href) element.append(origin);
    // A second run of this file does not find it again.
    else origin.removeAttribute("data-story");
  }
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
