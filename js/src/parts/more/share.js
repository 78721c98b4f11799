/**
 * Ways to share that need no one's script: the address of this copy, the browser's own sheet, plain links.
 *
 * @import {Translate} from "../../i18n"
 * @import {ViewContext, Shared} from "../../part-api"
 */

/** @type {[string, (url: string, text: string) => string][]} */
const PLACES = [
  ["Facebook", (url) => "www.facebook.com/sharer/sharer.php?u=" + url],
  ["X", (url, text) => `x.com/intent/post?url=${url}&text=${text}`],
  ["Bluesky", (url, text) => `bsky.app/intent/compose?text=${text}%20${url}`],
  ["WhatsApp", (url, text) => `wa.me/?text=${text}%20${url}`],
];

/**
 * Where this copy stands, with the page's own fragment: it may be what names the page.
 *
 * @param {ViewContext} frame
 */
export const pageOf = ({ address }) =>
  parent === window ? location.href.replace(/#c-[0-9A-Za-z]{12}$/, "") : address();

/**
 * Copies, or leaves the text selected where a page may not.
 *
 * @param {string} text
 * @param {Element} place in the widget
 * @param {string} label
 * @param {Shared} tools
 * @returns {Promise<boolean>} whether it was copied
 */
export async function copy(text, place, label, { h }) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // In frames and on pages without https, as in old times.
    const root = /** @type {ShadowRoot} */ (place.getRootNode());
    const before = /** @type {HTMLElement | null} */ (root.activeElement);
    const field = h("input", { "aria-label": label, value: text, readonly: true, dir: "ltr" });
    place.querySelector("[readonly]")?.remove();
    place.append(field);
    field.select();
    if (!document.execCommand("copy")) return false;
    before?.focus();
    field.remove();
    return true;
  }
}

/**
 * @param {string} url
 * @param {string} title
 * @param {Translate} t
 * @param {Shared} tools
 * @param {(word: string, act: () => unknown) => Node} act makes a button
 */
export function shareLinks(url, title, t, tools, act) {
  const { h } = tools;
  const [to = "", text = ""] = [url, title].map(encodeURIComponent);
  /** @param {string} name @param {string} href */
  const link = (name, href) => h("a", { href, target: "_blank", rel: "noopener" }, name);
  const server = h("input", {
    "aria-label": t("mastodon"),
    placeholder: "mastodon.social",
    oninput: updateHref,
  });
  const mastodon = link("Mastodon", "");
  updateHref();

  function updateHref() {
    // Who types an address or a whole name means its server.
    const host = /[^\s@/:]+\.[^\s@/:]+/.exec(server.value) ?? server.placeholder;
    mastodon.href = `https://${host}/share?text=${text}%20${to}`;
  }

  const data = { title, url };
  return [
    navigator.canShare?.(data) && act("send", () => navigator.share(data).catch(() => {})),
    ...PLACES.map(([name, by]) => link(name, "https://" + by(to, text))),
    link(t("mail"), `mailto:?subject=${text}&body=${to}`),
    h("div", { class: "inline-field" }, mastodon, server),
  ];
}
