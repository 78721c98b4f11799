/**
 * Attribution of the story, for pages that use the element without the snippet's own lines. It is added to the page, not to
 * the shadow root, so that search engines and copy and paste include it.
 *
 * @import {Story} from "../../types"
 * @import {Shared} from "../../part-api"
 */

/** Add title, author, publisher and license to the element. @param {Element} host @param {Story} story @param {Shared} tools */
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
