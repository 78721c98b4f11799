/**
 * Helpers for DOM elements. None of them parses a string as HTML.
 */

let lastId = 0;
/** Return an element id that is unique among all widgets of this page. */
export const newId = () => "w" + ++lastId;

/**
 * Create an element.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => void)> | null | false | ""} [attributes]
 *   functions are listeners (`onclick`); `false`, `null` and `undefined` omit the attribute
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(.../** @type {(Node | string)[]} */ (children.filter(Boolean)));
  return element;
}

/**
 * Set an attribute, or remove it if the value is null, undefined or false.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function set(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : /** @type {string} */ (value));
}

/**
 * Set the text if it differs from the last one set here. Screen readers announce every write in a live region, and a text
 * that the browser has translated stays translated.
 *
 * @param {any} node whose text is set only here
 * @param {string} text
 */
export function setText(node, text) {
  if (node.was !== text) node.textContent = node.was = text;
}

/**
 * Make `wanted` the children of `parent` with as few moves as possible: a moved element loses focus and selection.
 *
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function setChildren(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child) && !child.matches(".fold")) child.remove();
  let next = parent.firstElementChild;
  for (const child of wanted) {
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

/**
 * Create a button.
 *
 * @param {string} text
 * @param {() => void} onclick
 * @param {Record<string, string>} [attributes]
 */
export const button = (text, onclick, attributes) =>
  h("button", { onclick, ...attributes }, text);

/**
 * Create a heading.
 *
 * @param {number} level 2 to 6; higher values count as 6
 * @param {Record<string, string>} [attributes]
 * @param {...Node} children
 */
export const heading = (level, attributes, ...children) =>
  h(/** @type {"h2"} */ ("h" + Math.min(6, level)), attributes, ...children);
