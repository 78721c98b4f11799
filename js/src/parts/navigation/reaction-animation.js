/**
 * Animation for reactions of other readers. It causes no layout shift and is not announced.
 */

/** Floating icons per button at the same time. */
const MAX_FLOATING = 6;
const REDUCED_MOTION = "(prefers-reduced-motion)";

/**
 * Enlarge the icon for a moment and let copies of it float up.
 *
 * @param {HTMLElement | undefined} icon
 * @param {number} n number of new reactions
 */
export function burst(icon, n) {
  if (!icon || n < 1 || document.hidden || matchMedia(REDUCED_MOTION).matches) return;
  icon.animate({ scale: [1, 1.4, 1] }, 400);
  const button = icon.parentElement;
  const free = MAX_FLOATING - Number(button?.querySelectorAll(".floating-icon").length);
  for (let i = 0; i < Math.min(n, free); i++) {
    const copy = /** @type {HTMLElement} */ (icon.cloneNode(true));
    copy.classList.add("floating-icon");
    const drift = Math.random() * 2 - 1;
    copy.animate(
      [
        { opacity: 0, translate: "0 0", scale: 0.5 },
        { opacity: 1, offset: 0.15 },
        { opacity: 0, translate: `${drift}em -2.6em`, scale: 0.8 },
      ],
      { duration: 1_300, delay: i * 140, easing: "ease-out", fill: "backwards" },
    ).onfinish = () => copy.remove();
    button?.append(copy);
  }
}
