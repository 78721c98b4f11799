/**
 * The ink inside a quotation. Many themes grey their quotations: the text around them has the colour that is readable.
 */

/**
 * Take the text colour from around the outermost quotation, now and when the page changes its colours.
 *
 * @param {Element} host
 * @param {HTMLElement} element the root of the view
 * @param {AbortSignal} signal ends it
 */
export function readInk(host, element, signal) {
  /** @type {Element | null | undefined} */
  let around;
  for (let at = host.closest("blockquote"); at; at = around?.closest("blockquote") ?? null) around = at.parentElement;
  if (!around) return;
  const page = around;
  const read = () => element["style"].setProperty("--ink", getComputedStyle(page).color);
  read();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", read, { signal });
  // Switches between light and dark set an attribute here.
  const observer = new MutationObserver(read);
  for (const root of [document.documentElement, document.body]) observer.observe(root, { attributes: true });
  signal.addEventListener("abort", () => observer.disconnect());
}
