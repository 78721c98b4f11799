/**
 * English, and how words of any language are put together: one language at a time for strings, plurals, numbers
 * and times.
 *
 * @typedef {Record<string, string | Record<string, string>>} Strings
 * @typedef {(key: string, values?: Record<string, string | number | null>, otherwise?: string) => string} Translate
 */
import { request } from "./api.js";
import { fetchFile } from "./parts.js";

/** What reading takes; the second file adds what writing takes. @type {Strings} */
export const STRINGS = {
  lang: "en",
  dir: "ltr",
  comments: { one: "{n} comment", other: "{n} comments" },
  // Of one reader nothing is said.
  reading: { other: "{n} reading now" },
  replies: { one: "Show {n} more reply", other: "Show {n} more replies" },
  next: "Show more comments",
  write: "Your comment",
  placeholder: "What would you like to say?",
  start: "Start the discussion",
  account: "No account needed.",
  post: "Post",
  reply: "Reply",
  replyOf: "Reply to {name}",
  addReaction: "React",
  addReactionOf: "{text}, comment by {name}",
  total: { one: "{n} reaction", other: "{n} reactions" },
  leading: { one: ": {name}", other: ", mostly {name}" },
  first: "Be the first to react.",
  newest: "Newest first",
  share: "Share",
  data: "Your data",
  more: "More",
  moreOf: "More about the comment by {name}",
  removed: "This comment was removed.",
  anonymous: "Anonymous",
  vouched: "signed in",
  to: "to {name}",
  edited: "edited",
  author: "Author",
  moderator: "Moderator",
  pinned: "Pinned by {name}",
  none: "No comments yet",
  unsure: "Not sent yet. Trying again…",
  offline: "The server does not answer. Try again.",
  unavailable: "The discussion cannot be loaded right now.",
};

/**
 * The language to speak in an element: its own, its page's, its token's, its reader's. Without a file for it, English.
 *
 * @param {Element} element
 * @param {string | null} token
 * @returns {string} without its region
 */
export function resolveLanguage(element, token) {
  let tag = /** @type {any} */ (element.closest("[lang]"))?.lang;
  try {
    const claims = /** @type {any} */ (token).split(".")[3];
    tag ||= JSON.parse(atob(claims.replace(/-/g, "+").replace(/_/g, "/"))).lang;
  } catch {}
  return (tag || navigator.language).split(/[-_]/)[0].toLowerCase();
}

/**
 * Puts another language's words in the place of the English ones: all of a part, or none.
 *
 * @param {string} server
 * @param {Strings} words
 * @param {string} lang
 * @param {string} part of the embed; "1" for the first file
 */
export async function loadLocale(server, words, lang, part) {
  if (!LOCALES.split(" ").includes(lang)) return;
  Object.assign(words, await fetchFile(server, `${lang}-${part}.json`, request));
}

/**
 * With `otherwise`, a word that need not be there; without `values`, nothing is put into it.
 *
 * @param {Strings} words
 * @param {() => void} onMissing called for a word that is not there (yet)
 * @returns {Translate}
 */
export function createTranslator(words, onMissing) {
  const lang = /** @type {string} */ (words.lang);
  const rules = new Intl.PluralRules(lang);
  /** @type {Intl.NumberFormat | undefined} */
  let made;
  const digits = () => (made ??= new Intl.NumberFormat(lang));
  // It takes as long as to draw ten comments: in a task of its own, while the discussion is on its way.
  setTimeout(digits);
  return (key, values, otherwise) => {
    const found = words[key] ?? otherwise ?? onMissing();
    const form = typeof found === "object" ? found[rules.select(/** @type {number} */ (values?.n))] : found;
    if (!values) return form ?? "";
    return (form ?? "").replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name] ?? "";
      if (typeof value !== "number") return value;
      return digits().format(value);
    });
  };
}

/**
 * A refusal in words: the server's own, which are English, or what the language has for its code.
 *
 * @param {Translate} t
 * @param {{code: string, detail?: string} | undefined} problem
 */
export const errorText = (t, problem) =>
  t("!" + problem?.code, undefined, problem?.detail || t("offline"));

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["year", 31536e6],
  ["month", 2592e6],
  ["day", 864e5],
  ["hour", 36e5],
  ["minute", 6e4],
];

/** One for each language: to make one takes longer than to draw a comment. @type {Record<string, Intl.RelativeTimeFormat>} */
const clocks = {};

/** "5 minutes ago". @param {string} lang @param {number} then @param {number} now */
export function relativeTime(lang, then, now) {
  const past = Math.min(0, then - now);
  const [unit, length] = UNITS.find((each) => -past >= each[1]) ?? ["second", Infinity];
  clocks[lang] ??= new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  return clocks[lang].format(Math.trunc(past / length), unit);
}
