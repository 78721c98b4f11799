/**
 * Sharing without third-party scripts: copy the address, the browser's share sheet, plain links.
 *
 * @import {Translate} from "../../i18n"
 * @import {ViewContext, Shared} from "../../part-api"
 */

/** @type {[string, (url: string, text: string) => string][]} */
const SERVICES = [
  ["Facebook", (url) => "www.facebook.com/sharer/sharer.php?u=" + url],
  ["X", (url, text) => `x.com/intent/post?url=${url}&text=${text}`],
  ["Bluesky", (url, text) => `bsky.app/intent/compose?text=${text}%20${url}`],
  ["WhatsApp", (url, text) => `wa.me/?text=${text}%20${url}`],
];

/**
 * Return the page's address with its own fragment, which may identify the page.
 *
 * @param {ViewContext} context
 */
export const pageAddress = ({ address }) =>
  parent === window ? location.href.replace(/#c-[0-9A-Za-z]{12}$/, "") : address();

/**
 * Copy a text. If the page may not write to the clipboard, show the text selected in a field.
 *
 * @param {string} text
 * @param {Element} place element that receives the field
 * @param {string} label
 * @param {Shared} tools
 * @returns {Promise<boolean>} whether it was copied
 */
export async function copy(text, place, label, { h }) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // In iframes and on pages without https: `execCommand`.
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
 * Create the controls for sharing.
 *
 * @param {string} url
 * @param {string} title
 * @param {Translate} t
 * @param {Shared} tools
 * @param {(word: string, act: () => unknown) => Node} act creates a button
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
    // From an address or an account name only the host is used.
    const host = /[^\s@/:]+\.[^\s@/:]+/.exec(server.value) ?? server.placeholder;
    mastodon.href = `https://${host}/share?text=${text}%20${to}`;
  }

  const data = { title, url };
  return [
    navigator.canShare?.(data) && act("send", () => navigator.share(data).catch(() => {})),
    ...SERVICES.map(([name, by]) => link(name, "https://" + by(to, text))),
    link(t("mail"), `mailto:?subject=${text}&body=${to}`),
    h("div", { class: "inline-field" }, mastodon, server),
  ];
}
