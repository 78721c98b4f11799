/**
 * A moment's movement as people react. It is drawn over the page, moves nothing in it, and is not announced.
 */

/** Faces of one button in the air at once, in each widget. */
const MOST = 6;
const CALM = "(prefers-reduced-motion)";

/**
 * The face swells, and small ones rise from it.
 *
 * @param {HTMLElement} face
 * @param {number} n how many people
 */
export function burst(face, n) {
  if (document.hidden || matchMedia(CALM).matches) return;
  face.animate({ scale: [1, 1.4, 1] }, 400);
  const air = face.parentElement;
  const free = MOST - Number(air?.querySelectorAll(".floating-icon").length);
  for (let i = 0; i < Math.min(n, free); i++) {
    const one = /** @type {HTMLElement} */ (face.cloneNode(true));
    one.classList.add("floating-icon");
    const aside = Math.random() * 2 - 1;
    one.animate(
      [
        { opacity: 0, translate: "0 0", scale: 0.5 },
        { opacity: 1, offset: 0.15 },
        { opacity: 0, translate: `${aside}em -2.6em`, scale: 0.8 },
      ],
      { duration: 1_300, delay: i * 140, easing: "ease-out", fill: "backwards" },
    ).onfinish = () => one.remove();
    air?.append(one);
  }
}
