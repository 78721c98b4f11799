/**
 * The way to the other files. Most readers only read and react: what it takes to write is fetched when someone is
 * about to.
 *
 * @import {Comment} from "./types"
 */
import { button, h, newId, set } from "./dom.js";
import { paintReaction, reactionIcon } from "./view/reaction-icon.js";
import { importPart } from "./parts.js";
import { counts, isAllowed } from "./state.js";
import { renderText, copyLabel, safeUrl } from "./view/comment-text.js";
import { loadLocale } from "./i18n.js";

/**
 * What the parts of a view share. `also` is what a part draws along, `comment` what is drawn of a comment that is known,
 * if need be at once, `address` that of the page without its fragment, whatever its `<base>` says.
 *
 * @typedef {{
 *   story: import("./discussion").Discussion,
 *   t: import("./i18n").Translate,
 *   level: number,
 *   tell: (text: string, loud?: boolean) => void,
 *   explain: (problem: any) => string,
 *   emit: (type: string, code?: string) => void,
 *   style: (css: string) => void,
 *   list: HTMLElement,
 *   onRender?: ((state: import("./types").State) => void) | undefined,
 *   comment: (id: string | undefined) => CommentHandle | undefined,
 *   fetchPart: (name: keyof Parts) => Promise<any>,
 *   renew: () => void,
 *   onClose?: (() => void) | undefined,
 *   address: () => string,
 *   focus: (id: string | undefined) => void,
 *   part: <T extends keyof Parts>(name: T) => Promise<Parts[T]>,
 *   withPart: <T extends keyof Parts>(name: T, work: (part: Parts[T]) => unknown) => Promise<unknown>,
 * }} ViewContext
 *
 * A comment as its buttons see it.
 * @typedef {{
 *   comment: Comment,
 *   name: string,
 *   article: HTMLElement,
 *   body: HTMLElement,
 *   foot: HTMLElement,
 *   onRender?: (() => void) | undefined,
 * }} CommentHandle
 *
 * What is fetched on first use. `begin` does what a comment's button says.
 *
 * `writing`: `take` makes a shell work.
 * @typedef {{
 *   attach: (composer: HTMLElement) => {post: () => Promise<void>},
 *   begin: (handle: CommentHandle) => void,
 *   edit: (handle: CommentHandle) => void,
 *   remove: (handle: CommentHandle) => void,
 * }} WritingPart
 *
 * `more`: `page`, `replies`, `go` and `visit` bring more comments, `open` opens what a button of the discussion offers,
 * `told` why this copy can only be read.
 * @typedef {{
 *   begin: (handle: CommentHandle) => void,
 *   page: () => Promise<void>,
 *   replies: (id: string, first?: boolean) => Promise<void>,
 *   go: (id: string) => Promise<void>,
 *   visit: (id: string) => Promise<void>,
 *   open: (what: "sort" | "share" | "data", opener: HTMLElement) => void,
 *   logReadOnly: () => void,
 * }} MorePart
 *
 * `preview`: the tree that the server would make of a text.
 * @typedef {(text: string) => import("./types").TextNode[]} Preview
 *
 * `live`: `burst` shows that others reacted.
 * @typedef {{burst: (face: HTMLElement, n: number) => void}} LivePart
 *
 * `comment-reactions`: `draw` draws the chips of a comment, `begin` offers reactions to it.
 * @typedef {{begin: (handle: CommentHandle) => void, draw: (handle: CommentHandle) => void}} CommentReactionsPart
 *
 * `navigation`: moving through a long discussion.
 * @typedef {{}} NavigationPart
 *
 * @typedef {{live: LivePart, navigation: NavigationPart, "comment-reactions": CommentReactionsPart, writing: WritingPart, more: MorePart, preview: Preview}} Parts
 */

/** Tools that the second file borrows instead of bringing its own. */
export const shared = { h, set, button, newId, safeUrl, renderText, counts, isAllowed, paintReaction, reactionIcon, copyLabel };
/** @typedef {typeof shared} Shared */

/**
 * A part that is not in the first file, and what it says in the language of `words`.
 *
 * @param {string} server
 * @param {import("./i18n").Strings} words
 * @param {keyof Parts} name
 */
export async function fetchPart(server, words, name) {
  const [part] = await Promise.all([
    importPart(server, name),
    /more|writing/.test(name) && loadLocale(server, words, /** @type {string} */ (words.lang), name),
  ]);
  Object.assign(words, part.STRINGS, { ...words });
  return part;
}
