/**
 * The way to the other files. Most readers only read and react: what it takes to write is fetched when somebody is
 * about to.
 *
 * @import {Comment} from "./types"
 */
import { button, h, newId, set } from "./dom.js";
import { faceOf } from "./face.js";
import { bring } from "./parts.js";
import { counts } from "./state.js";
import { draw, placeOf, safe } from "./text.js";
import { learn } from "./words.js";

/**
 * What the parts of a view share. `also` is what a part draws along, `comment` what is drawn of a comment that is known,
 * if need be at once, `address` that of the page without its fragment, whatever its `<base>` says.
 *
 * @typedef {{
 *   story: import("./discussion").Discussion,
 *   say: import("./words").Say,
 *   level: number,
 *   tell: (text: string, loud?: boolean) => void,
 *   explain: (problem: any) => string,
 *   emit: (type: string, code?: string) => void,
 *   style: (css: string) => void,
 *   list: HTMLElement,
 *   also?: ((state: import("./types").State) => void) | undefined,
 *   comment: (id: string | undefined) => Handle | undefined,
 *   address: () => string,
 *   focus: (id: string | undefined) => void,
 *   part: <T extends keyof Parts>(name: T) => Promise<Parts[T]>,
 *   ask: <T extends keyof Parts>(name: T, work: (part: Parts[T]) => unknown) => Promise<unknown>,
 * }} Frame
 *
 * A comment as its buttons see it.
 * @typedef {{
 *   comment: Comment,
 *   name: string,
 *   article: HTMLElement,
 *   body: HTMLElement,
 *   foot: HTMLElement,
 *   also?: (() => void) | undefined,
 * }} Handle
 *
 * What is fetched on first use. `begin` does what a comment's button says.
 *
 * `writing`: `take` makes a shell work.
 * @typedef {{
 *   take: (composer: HTMLElement) => {post: () => Promise<void>},
 *   begin: (handle: Handle) => void,
 *   edit: (handle: Handle) => void,
 *   remove: (handle: Handle) => void,
 * }} Desk
 *
 * `more`: `page`, `replies`, `go` and `visit` bring more comments, `options` says what can be chosen for all of them,
 * `told` why this copy can only be read.
 * @typedef {{
 *   begin: (handle: Handle) => void,
 *   page: () => Promise<void>,
 *   replies: (id: string, first?: boolean) => Promise<void>,
 *   go: (id: string) => Promise<void>,
 *   visit: (id: string) => Promise<void>,
 *   options: (place: HTMLElement) => void,
 *   told: () => void,
 * }} More
 *
 * `preview`: the tree that the server would make of a text.
 * @typedef {(text: string) => import("./types").Piece[]} Preview
 *
 * `live`: `burst` shows that others reacted.
 * @typedef {{burst: (face: HTMLElement, n: number) => void}} Lively
 *
 * `feel`: offers reactions to a comment.
 * @typedef {{begin: (handle: Handle) => void}} Feeling
 *
 * @typedef {{live: Lively, feel: Feeling, writing: Desk, more: More, preview: Preview}} Parts
 */

/** Tools that the second file borrows instead of bringing its own. */
export const TOOLS = { h, set, button, newId, safe, draw, counts, faceOf, placeOf };
/** @typedef {typeof TOOLS} Tools */

/**
 * A part that is not in the first file, and what it says in the language of `words`.
 *
 * @param {string} server
 * @param {import("./words").Words} words
 * @param {keyof Parts} name
 */
export async function fetchPart(server, words, name) {
  const [part] = await Promise.all([
    bring(server, name),
    /more|writing/.test(name) && learn(server, words, /** @type {string} */ (words.lang), name),
  ]);
  Object.assign(words, part.WORDS, { ...words });
  return part;
}
