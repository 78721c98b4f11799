/**
 * Lazy parts of the embed and the interfaces between them and the first file. Most readers only read and react, so code
 * for writing, options and previews is loaded on first use.
 *
 * @import {Comment} from "./types"
 */
import { button, h, newId, set } from "./dom.js";
import { paintReaction, reactionIcon } from "./view/reaction-icon.js";
import { importPart } from "./parts.js";
import { counts, isAllowed } from "./state.js";
import { renderText, copyLabel, safeUrl } from "./view/comment-text.js";
import { loadLocale, localText } from "./i18n.js";

/**
 * The interface of a view for its components and parts. A part sets `onRender` to draw after each render. `comment` returns the
 * handle of a comment and draws it first if necessary. `address` is the page's address without its fragment, independent
 * of `<base>`. `tell` announces a text to screen readers and, if `loud`, shows it. `reacted` is set once the reader reacted to
 * the story in this page view. `selected` is the text that was selected in the page at the last click into the widget.
 * `lang` is the language of this copy, without its region. `filter` says whether a comment passes the reader's filters of this view.
 * `ownHints` returns the reader's error reports, once the part `more-hints` is loaded.
 *
 * @typedef {{
 *   story: import("./discussion").Discussion,
 *   t: import("./i18n").Translate,
 *   lang: string,
 *   level: number,
 *   tell: (text: string, loud?: boolean) => void,
 *   explain: (problem: any) => string,
 *   filter: (comment: Comment) => boolean,
 *   emit: (type: string, code?: string) => void,
 *   style: (css: string) => void,
 *   list: HTMLElement,
 *   onRender?: ((state: import("./types").State) => void) | undefined,
 *   comment: (id: string | undefined) => CommentHandle | undefined,
 *   fetchPart: (name: keyof Parts) => Promise<any>,
 *   redraw: () => void,
 *   reacted?: boolean,
 *   selected?: string,
 *   ownHints?: () => HTMLElement[],
 *   onClose?: (() => void) | undefined,
 *   address: () => string,
 *   focus: (id: string | undefined) => void,
 *   part: <T extends keyof Parts>(name: T) => Promise<Parts[T]>,
 *   withPart: <T extends keyof Parts>(name: T, work: (part: Parts[T]) => unknown) => Promise<unknown>,
 * }} ViewContext
 *
 * A drawn comment, as its buttons and the parts use it.
 * @typedef {{
 *   comment: Comment,
 *   name: string,
 *   article: HTMLElement,
 *   body: HTMLElement,
 *   foot: HTMLElement,
 *   onRender?: (() => void) | undefined,
 * }} CommentHandle
 *
 * The lazy parts. `begin` is called by a comment's button.
 *
 * `writing`: `attach` enhances the bare composer of the first file.
 * @typedef {{
 *   attach: (composer: HTMLElement) => {post: () => Promise<void>},
 *   begin: (handle: CommentHandle) => void,
 *   edit: (handle: CommentHandle) => void,
 *   remove: (handle: CommentHandle) => void,
 * }} WritingPart
 *
 * What a comment, an edit or a deletion consists of.
 * @typedef {Record<string, string>} Fields
 *
 * `outbox`: `post` sends a comment or an edit and returns its id; without a connection it keeps it and returns undefined.
 * `remove` deletes a comment, with time to undo. `attach` shows the unsent items around the composer; `resume` opens an
 * item in a form and returns false if its comment is not shown.
 * @typedef {{
 *   post: (type: "comment" | "edit", fields: Fields) => Promise<string | undefined>,
 *   remove: (handle: CommentHandle) => void,
 *   attach: (composer: HTMLElement, resume: (item: Fields) => boolean) => void,
 * }} OutboxPart
 *
 * `more`: `page`, `replies`, `go` and `visit` load and focus comments, `drawNotices` draws the publisher's notice and
 * the reason why readers cannot write, `open` opens or closes “Your data”.
 * @typedef {{
 *   page: () => Promise<void>,
 *   replies: (id: string, first?: boolean) => Promise<void>,
 *   go: (id: string) => Promise<void>,
 *   visit: (id: string) => Promise<void>,
 *   open: (what: Opener, opener: HTMLElement) => void,
 *   drawNotices: (notice: HTMLElement, reason: HTMLElement) => void,
 * }} MorePart
 *
 * @typedef {"newest" | "share" | "flaw" | "data"} Opener the string key of a button
 *
 * `options`: `open` opens what belongs to a button, or closes it; `begin` opens the menu of a comment.
 * @typedef {{
 *   begin: (handle: CommentHandle) => void,
 *   open: (what: Opener, opener: HTMLElement) => void,
 * }} OptionsPart
 *
 * `preview`: return the tree that the server would make of a text.
 * @typedef {(text: string) => import("./types").TextNode[]} Preview
 *
 * `proof`: solve a challenge of the server; undefined if it has no solution.
 * @typedef {{algorithm: string, challenge: string, maxnumber: number, salt: string, signature: string}} Challenge
 * @typedef {(challenge: Challenge) => Promise<string | undefined>} Prove
 *
 * `live`: actions and updates. `tell` is that of the view.
 * @typedef {{tell: ViewContext["tell"]}} LivePart
 *
 * `comment-reactions`: `draw` draws the chips of a comment, `begin` opens its picker. It also shows the site's links to
 * readers who reacted to the story.
 * @typedef {{begin: (handle: CommentHandle) => void, draw: (handle: CommentHandle) => void}} CommentReactionsPart
 *
 * `more-decisions`: `begin` opens the form of a report. It also shows what was decided about the reader and their comments.
 * @typedef {{begin: (handle: CommentHandle, opener: HTMLElement) => void}} DecisionsPart
 *
 * `navigation`: keys, skip button and folding threads. `decisions` loads the part `more-decisions`. `open` opens or closes
 * the form for an error in the story. `burst` animates the reactions that were added between two counts.
 * @typedef {{
 *   burst: (before: Record<string, number>, now: Record<string, number>) => void,
 *   decisions: () => Promise<DecisionsPart>,
 *   open: (what: Opener, opener: HTMLElement) => void,
 * }} NavigationPart
 *
 * `opening`: opening hours. It draws by itself.
 * @typedef {Record<string, never>} OpeningPart
 *
 * `more-corrections`: corrections of the story, and that this copy is older. It draws by itself.
 * @typedef {Record<string, never>} CorrectionsPart
 *
 * `more-hints`: `open` opens or closes the form for an error in the story. It also shows what became of the reader's reports.
 * @typedef {{open: (what: Opener, opener: HTMLElement) => void}} HintsPart
 *
 * @typedef {{opening: OpeningPart, "more-hints": HintsPart, "more-corrections": CorrectionsPart, live: LivePart, navigation: NavigationPart, "comment-reactions": CommentReactionsPart, writing: WritingPart, outbox: OutboxPart, more: MorePart, options: OptionsPart, preview: Preview, proof: Prove, "more-decisions": DecisionsPart}} Parts
 */

/** Functions of the first file for use by the parts, so that they need no copies. */
export const shared = { h, set, button, newId, safeUrl, renderText, counts, isAllowed, paintReaction, reactionIcon, copyLabel, localText };
/** @typedef {typeof shared} Shared */

/**
 * Import a lazy part and add its strings, in the language of `strings`.
 *
 * @param {string} server
 * @param {import("./i18n").Strings} strings
 * @param {keyof Parts} name
 */
export async function fetchPart(server, strings, name) {
  const [part] = await Promise.all([
    importPart(server, name),
    // `more`, `more-corrections`, `more-decisions`, `more-hints`, `writing`, `options` and `opening`.
    /mor|wr|op/.test(name) && loadLocale(server, strings, /** @type {string} */ (strings.lang), name),
  ]);
  Object.assign(strings, part.STRINGS, { ...strings });
  return part;
}
