/**
 * A small box below a button: a named group of buttons and links, reached by Tab and the arrow keys. Escape, a press
 * elsewhere or moving the focus away close it.
 *
 * @import {Shared} from "../../part-api"
 */
/** Distance to the button in pixels. */
const GAP = 4;

/** @type {{opener: HTMLElement, close: (back?: boolean) => void} | undefined} */
let current;

/** Close the open box, and focus its button if `back`. @param {boolean} [back] */
export const closePopover = (back) => current?.close(back);

/**
 * Open a box below a button, or close it if it is open.
 *
 * @param {Shared} tools
 * @param {HTMLElement} opener
 * @param {string} label
 * @param {(Node | false | undefined)[]} children
 * @param {() => void} [onClose]
 */
export function openPopover({ h, set }, opener, label, children, onClose) {
  const was = current;
  closePopover(was?.opener === opener);
  if (was?.opener === opener) return;
  const parent = /** @type {HTMLElement} */ (opener.parentElement);
  const outside = new AbortController();
  const box = h("div", { role: "group", class: "popover", "aria-label": label, onkeydown, onfocusout }, ...children);
  current = { opener, close };

  /** @param {boolean} [back] */
  function close(back) {
    current = undefined;
    outside.abort();
    set(opener, "aria-expanded", "false");
    if (back) opener.focus();
    box.remove();
    onClose?.();
  }

  /** @param {KeyboardEvent} event */
  function onkeydown(event) {
    const { key } = event;
    const items = [.../** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll("a, button"))];
    const at = items.indexOf(/** @type {HTMLElement} */ (event.target));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[key];
    if (key === "Escape") close(true);
    else if (to !== undefined) items.at(to % items.length)?.focus();
    else return;
    // The page and the widget do not handle these keys.
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {FocusEvent} event */
  function onfocusout({ relatedTarget: to }) {
    if (to && to !== opener && !box.contains(/** @type {Node} */ (to))) close();
  }

  document.addEventListener(
    "pointerdown",
    (event) => {
      const path = event.composedPath();
      if (!path.includes(box) && !path.includes(opener)) close();
    },
    { signal: outside.signal },
  );
  set(opener, "aria-expanded", "true");
  parent.append(box);
  lay();
  addEventListener("resize", lay, { signal: outside.signal });
  /** @type {HTMLElement | null} */ (box.querySelector("button, a"))?.focus();

  /** Place the box inside the column, below its button. */
  function lay() {
    const from = opener.getBoundingClientRect();
    const frame = parent.getBoundingClientRect();
    const rightToLeft = getComputedStyle(parent).direction === "rtl";
    const start = rightToLeft ? frame.right - from.right : from.left - frame.left;
    const place = box["style"];
    place.setProperty("inset-inline-start", Math.max(0, Math.min(start, frame.width - box.offsetWidth)) + "px");
    place.setProperty("inset-block-start", from.bottom - frame.top + GAP + "px");
  }
}
