/**
 * The way to the second file. Most readers only read and react: what it takes to write is fetched when somebody is
 * about to.
 *
 * @import {Comment} from "./types"
 */
import { button, h, newId, set } from "./dom.js";
import { ids } from "./state.js";
import { safe } from "./text.js";
import { learn } from "./words.js";

/**
 * What the parts of a view share.
 *
 * @typedef {{
 *   story: import("./discussion").Discussion,
 *   say: import("./words").Say,
 *   level: number,
 *   tell: (text: string, loud?: boolean) => void,
 *   explain: (problem: any) => string,
 *   focus: (id: string | undefined) => void,
 *   desk: () => Promise<Desk>,
 *   ask: (work: (desk: Desk) => unknown) => Promise<unknown>,
 * }} Frame
 *
 * A comment as its buttons see it.
 * @typedef {{
 *   comment: Comment,
 *   name: string,
 *   article: HTMLElement,
 *   body: HTMLElement,
 *   foot: HTMLElement,
 *   refresh: () => void,
 *   focus: () => void,
 * }} Handle
 *
 * What the second file offers: `take` makes a shell work, `begin` does what a comment's button says, `page` and `replies` bring
 * more comments.
 * @typedef {{
 *   take: (shell: Shell) => void,
 *   begin: (deed: string, handle: Handle) => void,
 *   page: () => Promise<void>,
 *   replies: (id: string) => Promise<void>,
 * }} Desk
 *
 * @typedef {ReturnType<typeof composerShell>} Shell
 */

/** Tools that the second file borrows instead of bringing its own. */
export const TOOLS = { h, set, button, newId, safe, ids, composerShell };
/** @typedef {typeof TOOLS} Tools */

/**
 * The second file, and what it says in the language of `words`.
 *
 * @param {string} server
 * @param {import("./words").Words} words
 * @returns {Promise<typeof import("./writing/index")>}
 */
export async function fetchSecond(server, words) {
  const [second] = await Promise.all([
    import(`${server}/embed/${SECOND}`),
    learn(server, words, String(words.lang), 2),
  ]);
  Object.assign(words, second.WORDS, { ...words });
  return second;
}

/**
 * A label, a text area and a button: all there is until somebody begins to write.
 *
 * There is no form element: in a sandboxed frame nothing is ever submitted, so that the click of a button does the
 * work everywhere.
 *
 * @param {string} label
 * @param {string} verb
 */
export function composerShell(label, verb) {
  const id = newId();
  const errorId = newId();
  const text = h("textarea", { id, rows: 3, dir: "auto", "aria-describedby": errorId });
  const error = h("p", { id: errorId, class: "error", role: "alert" });
  const send = button(verb, () => self.post(), { class: "main", part: "button" });
  const acts = h("div", { class: "acts" }, send);
  const element = h(
    "div",
    { class: "composer", part: "composer" },
    h("label", { for: id }, label),
    text,
    error,
    acts,
  );
  const self = { element, text, error, send, acts, post: () => {} };
  return self;
}
