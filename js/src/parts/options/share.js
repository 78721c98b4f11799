/**
 * Sharing without third-party scripts: the browser's share sheet, the copied address, plain links.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 */
import { copy } from "./copy.js";
import { closePopover, openPopover } from "./popover.js";

/** @type {[string, (url: string, text: string) => string][]} */
const SERVICES = [
  ["Bluesky", (url, text) => `bsky.app/intent/compose?text=${text}%20${url}`],
  ["WhatsApp", (url, text) => `wa.me/?text=${text}%20${url}`],
  ["X", (url, text) => `x.com/intent/post?url=${url}&text=${text}`],
  ["Facebook", (url) => "www.facebook.com/sharer/sharer.php?u=" + url],
];

/**
 * Open the list of ways to share.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @param {HTMLElement} opener
 * @param {(act: () => unknown) => Promise<void>} attempt runs an action and shows its error
 */
export function share(context, tools, opener, attempt) {
  const { story, t, tell, address } = context;
  const { h, button, newId } = tools;
  const bar = /** @type {HTMLElement} */ (opener.parentElement);
  const title = story.state.story?.title ?? document.title;
  // With the page's own fragment, which may identify the page.
  const url = parent === window ? location.href.replace(/#c-[0-9A-Za-z]{12}$/, "") : address();
  const [to = "", text = ""] = [url, title].map(encodeURIComponent);
  const data = { title, url };
  /** @param {string} key @param {string} icon @param {() => unknown} act */
  const item = (key, icon, act) =>
    button(
      t(key),
      () => {
        closePopover(true);
        attempt(act);
      },
      { class: "icon-" + icon },
    );
  /** @param {string} name @param {string} href @param {string} [icon] */
  const link = (name, href, icon = "link") =>
    h("a", { href, target: "_blank", rel: "noopener", class: "icon-" + icon, onclick: () => closePopover(true) }, name);

  /** Ask for the reader's server: Mastodon has no central share address. */
  function mastodon() {
    const id = newId();
    const go = h("a", { target: "_blank", rel: "noopener", class: "primary", onclick: close }, t("share"));
    const server = h("input", { id, placeholder: "mastodon.social", autocapitalize: "off", oninput });
    const panel = h(
      "div",
      { class: "panel", onkeydown },
      h("label", { for: id }, t("server")),
      server,
      h("div", { class: "row" }, go, button(t("cancel"), close, { class: "outline" })),
    );

    function oninput() {
      // From an address or an account name only the host is used.
      const host = /[^\s@/:]+\.[^\s@/:]+/.exec(server.value) ?? server.placeholder;
      go.href = `https://${host}/share?text=${text}%20${to}`;
    }

    function close() {
      opener.focus();
      panel.remove();
    }

    /** @param {KeyboardEvent} event */
    function onkeydown({ key, target }) {
      if (key === "Escape") close();
      else if (key === "Enter" && target === server) go.click();
    }

    oninput();
    bar.after(panel);
    server.focus();
  }

  openPopover(tools, opener, t("share"), [
    navigator.canShare?.(data) && item("send", "share", () => navigator.share(data).catch(() => {})),
    item("copy", "copy", async () => {
      if (await copy(url, bar, t("copy"), tools)) tell(t("copied"), true);
    }),
    link(t("mail"), `mailto:?subject=${text}&body=${to}`, "mail"),
    item("mastodon", "link", mastodon),
    ...SERVICES.map(([name, by]) => link(name, "https://" + by(to, text))),
  ]);
}
