/**
 * Who made the story and where it stands, for a page that shows the widget without the snippet's own lines.
 * It belongs to the page, not to the shadow root, so that it is read, copied and indexed with the page.
 *
 * @import {Story} from "../../types"
 * @import {Shared} from "../../part-api"
 */

/** @param {Element} host @param {Story} story @param {Shared} tools */
export function addAttribution(host, { url, title, author, publisher, license }, { h, safeUrl }) {
  const href = safeUrl(url);
  if (!href || host.firstElementChild) return;
  const cc = /^CC-(BY[A-Z-]*)-([\d.]+)$/.exec(license);
  const by = cc?.[1]?.toLowerCase();
  host.append(h(
    "p",
    { slot: "credit" },
    h("a", { href }, title ?? href),
    [" ", author, publisher].filter(Boolean).join(" · "),
    " · ",
    by
      ? h(
          "a",
          { rel: "license", href: `https://creativecommons.org/licenses/${by}/${cc?.[2]}/` },
          license,
        )
      : license,
  ));
}
