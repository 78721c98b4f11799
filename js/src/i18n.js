/**
 * Strings of the interface: English, the locale files, and a translator for plurals, numbers and times.
 *
 * @typedef {Record<string, string | Record<string, string>>} Strings
 * @typedef {(key: string, values?: Record<string, string | number | null>, otherwise?: string) => string} Translate
 */
import { request } from "./api.js";
import { fetchFile } from "./parts.js";

/** English strings of the first file. Parts add their own. @type {Strings} */
export const STRINGS = {
  lang: "en",
  dir: "ltr",
  comments: { one: "{n} comment", other: "{n} comments" },
  // Presence is shown from two readers on.
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
  flaw: "Report an error in the story",
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
  featured: "Featured by {name}",
  none: "No comments yet",
  closed: "This discussion is closed. You can go on reading.",
  unsure: "Not sent yet. Trying again…",
  offline: "Can't reach the server. Try again.",
  unavailable: "The discussion cannot be loaded right now.",
};

/**
 * Return the language of an element: of the element, the page, the token, or the browser, in this order.
 *
 * @param {Element} element
 * @param {string | null} token
 * @returns {string} without the region; may be one without a locale file
 */
export function resolveLanguage(element, token) {
  let tag = /** @type {any} */ (element.closest("[lang]"))?.lang;
  try {
    const claims = /** @type {any} */ (token).split(".")[3];
    tag ||= JSON.parse(atob(claims.replace(/-/g, "+").replace(/_/g, "/"))).lang;
  } catch {}
  return baseLanguage(tag || navigator.language);
}

/** Return a language tag without its region. @param {string} tag */
export const baseLanguage = (tag) => /** @type {string} */ (tag.split(/[-_]/)[0]).toLowerCase();

/**
 * Replace the English strings of a part by those of another language: all of them or none.
 *
 * @param {string} server
 * @param {Strings} strings
 * @param {string} lang
 * @param {string} part of the embed; "1" for the first file
 */
export async function loadLocale(server, strings, lang, part) {
  if (!LOCALES.split(" ").includes(lang)) return;
  Object.assign(strings, await fetchFile(server, `${lang}-${part}.json`, request));
}

/**
 * Create the function that returns a string by its key.
 *
 * With `otherwise` the key may be missing. Without `values` no placeholder is replaced.
 *
 * @param {Strings} strings
 * @param {() => void} onMissing called if a string is not loaded yet
 * @returns {Translate}
 */
export function createTranslator(strings, onMissing) {
  const lang = /** @type {string} */ (strings.lang);
  const pluralRules = new Intl.PluralRules(lang);
  /** @type {Intl.NumberFormat | undefined} */
  let numberFormat;
  const digits = () => (numberFormat ??= new Intl.NumberFormat(lang));
  // Creating it takes as long as drawing ten comments: do it in its own task, while the discussion is loading.
  setTimeout(digits);
  return (key, values, otherwise) => {
    const found = strings[key] ?? otherwise ?? onMissing();
    const form = (typeof found === "object" ? found[pluralRules.select(/** @type {number} */ (values?.n))] : found) ?? "";
    if (!values) return form;
    return form.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? digits().format(value) : value;
    });
  };
}

/**
 * Return a text of the site: its own in the language of the page, else the translation of a built-in text, else as it is.
 *
 * @param {Translate} t
 * @param {any} from with the text and, in a field named with an s at the end, the texts by language
 * @param {string} name of the field
 */
export const localText = (t, from, name) =>
  from[name + "s"]?.[t("lang")] ?? t("=" + from[name], undefined, from[name]);

/**
 * Return the text of an error: the locale's text for its code, else the server's English detail.
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

/** One formatter per language: creating one takes longer than drawing a comment. @type {Record<string, Intl.RelativeTimeFormat>} */
const formatters = {};

/** Return a relative time such as "5 minutes ago". @param {string} lang @param {number} then @param {number} now */
export function relativeTime(lang, then, now) {
  const past = Math.min(0, then - now);
  const [unit, length] = UNITS.find((each) => -past >= each[1]) ?? ["second", Infinity];
  formatters[lang] ??= new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  return formatters[lang].format(Math.trunc(past / length), unit);
}
