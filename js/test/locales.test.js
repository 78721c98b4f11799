import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { STRINGS, errorText, resolveLanguage, loadLocale, createTranslator } from "../src/i18n.js";
import { STRINGS as LIVE } from "../src/parts/live/strings.js";
import { STRINGS as DECISIONS } from "../src/parts/more-decisions/strings.js";
import { STRINGS as CORRECTIONS } from "../src/parts/more-corrections/strings.js";
import { STRINGS as HINTS } from "../src/parts/more-hints/strings.js";
import { STRINGS as MORE } from "../src/parts/more/strings.js";
import { STRINGS as NAVIGATION } from "../src/parts/navigation/strings.js";
import { STRINGS as OPENING } from "../src/parts/opening/strings.js";
import { STRINGS as OPTIONS } from "../src/parts/options/strings.js";
import { STRINGS as OUTBOX } from "../src/parts/outbox/strings.js";
import { STRINGS as WRITING } from "../src/parts/writing/strings.js";

const FOLDER = new URL("../src/locales/", import.meta.url);
const ALL = { ...STRINGS, ...LIVE, ...NAVIGATION, ...WRITING, ...OUTBOX, ...MORE, ...OPTIONS, ...DECISIONS, ...CORRECTIONS, ...HINTS, ...OPENING };
const LOCALES = Object.fromEntries(
  readdirSync(FOLDER).map((name) => [
    name.replace(".json", ""),
    JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")),
  ]),
);
/** Keys without an English string: "=" + a default text of the server, "!" + an error code. */
const isOwn = (key) => /^[=!]/.test(key);
const placeholders = (text) => [...new Set(text.match(/\{\w+\}/g))].sort().join();
const forms = (word) => (typeof word === "object" ? Object.values(word) : [word]);

test("the promised languages are there", () => {
  assert.deepEqual(Object.keys(LOCALES).sort(), ["ar", "de", "es", "fr", "ja", "pl"]);
});

for (const [lang, strings] of Object.entries(LOCALES)) {
  test(`${lang} has the same string keys as English`, () => {
    const keys = Object.keys(strings).filter((key) => !isOwn(key));
    assert.deepEqual(keys.sort(), Object.keys(ALL).sort());
    assert.equal(strings.lang, lang);
    assert.equal(strings.dir, new Intl.Locale(lang).maximize().script === "Arab" ? "rtl" : "ltr");
  });

  test(`${lang} translates the same defaults and errors as the others`, () => {
    const own = Object.keys(strings).filter(isOwn).sort();
    assert.deepEqual(own, Object.keys(LOCALES.de).filter(isOwn).sort());
  });

  test(`${lang} has the plural forms it needs, and only those`, () => {
    const categories = new Intl.PluralRules(lang).resolvedOptions().pluralCategories;
    for (const [key, english] of Object.entries(ALL)) {
      if (typeof english === "string") assert.equal(typeof strings[key], "string", key);
      else assert.deepEqual(Object.keys(strings[key]).sort(), [...categories].sort(), key);
    }
  });

  test(`${lang} has the same placeholders as English`, () => {
    for (const [key, english] of Object.entries(ALL)) {
      const wanted = placeholders(forms(english).at(-1));
      const word = strings[key];
      for (const [form, text] of typeof word === "object" ? Object.entries(word) : [["", word]]) {
        // The forms for one and two may omit the number.
        const whole = (form === "one" || form === "two") && wanted.includes("{n}") ? `${text} {n}` : text;
        assert.equal(placeholders(whole), wanted, `${key} ${form}`);
      }
    }
  });

  test(`${lang} has no empty or untranslated string`, () => {
    for (const [key, word] of Object.entries(strings)) {
      for (const text of forms(word)) assert.ok(text.trim(), key);
      const same = typeof word === "string" && word === (ALL[key] ?? key.slice(1));
      // Strings that may be the same in both languages.
      const shared = ["lang", "dir", "number", "name", "website", "mastodon"];
      assert.ok(!same || shared.includes(key), `${key}: ${word}`);
    }
  });
}

test("Arabic uses its own plural forms", () => {
  const t = createTranslator(LOCALES.ar, assert.fail);
  const texts = [1, 2, 3, 11, 100].map((n) => t("comments", { n }));
  assert.equal(new Set(texts).size, 5);
  assert.match(texts[2], /^3|^٣/);
});

test("a text of the site is not used as a key", () => {
  const t = createTranslator(LOCALES.de, assert.fail);
  assert.equal(t("=Happy", undefined, "Happy"), "Freude");
  assert.equal(t("=More {n}", undefined, "More {n}"), "More {n}");
  assert.equal(t("=next", undefined, "next"), "next");
});

test("an error is shown in the language, and in English as the server wrote it", () => {
  const problem = { code: "rate_limited", detail: "Too fast." };
  assert.equal(errorText(createTranslator(ALL, assert.fail), problem), "Too fast.");
  const t = createTranslator(LOCALES.de, assert.fail);
  assert.equal(errorText(t, problem), LOCALES.de["!rate_limited"]);
  assert.equal(errorText(t, { code: "new_code", detail: "Unheard of." }), "Unheard of.");
  assert.equal(errorText(t, { code: "offline" }), LOCALES.de.offline);
});

test("the language is the element's or page's, then the token's, then the reader's", () => {
  const claims = Buffer.from(JSON.stringify({ title: "Über ?>", lang: "fr-CA" })).toString("base64url");
  const token = `w1.site.1.${claims}.signature`;
  const inPage = (lang) => ({ closest: () => (lang === undefined ? null : { lang }) });
  Object.defineProperty(globalThis, "navigator", { value: { language: "es-MX" }, configurable: true });
  assert.equal(resolveLanguage(inPage("de-AT"), token), "de");
  assert.equal(resolveLanguage(inPage("DE_at"), token), "de");
  assert.equal(resolveLanguage(inPage(undefined), token), "fr");
  assert.equal(resolveLanguage(inPage(""), token), "fr");
  assert.equal(resolveLanguage(inPage(undefined), null), "es");
  assert.equal(resolveLanguage(inPage(undefined), "nonsense"), "es");
});

test("only a language with a locale file is requested, else the strings stay English", async (context) => {
  const requests = [];
  Object.assign(globalThis, { COMMON: "1.2.3-abc", LOCALES: "ar de" });
  context.mock.method(globalThis, "fetch", async (url) => {
    requests.push(url);
    return Response.json({ lang: "de", next: "Mehr" });
  });
  const strings = { ...STRINGS };
  await loadLocale("https://w.example", strings, "pl", 1);
  assert.deepEqual(requests, []);
  assert.deepEqual(strings, STRINGS);
  await loadLocale("https://w.example", strings, "de", 1);
  assert.deepEqual(requests, ["https://w.example/embed/1.2.3-abc-de-1.json"]);
  assert.equal(strings.next, "Mehr");
});
