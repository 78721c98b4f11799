import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { STRINGS, errorText, resolveLanguage, loadLocale, createTranslator } from "../src/i18n.js";
import { STRINGS as LIVE } from "../src/parts/live/strings.js";
import { STRINGS as MORE } from "../src/parts/more/strings.js";
import { STRINGS as NAVIGATION } from "../src/parts/navigation/strings.js";
import { STRINGS as WRITING } from "../src/parts/writing/strings.js";

const FOLDER = new URL("../src/locales/", import.meta.url);
const ALL = { ...STRINGS, ...LIVE, ...NAVIGATION, ...WRITING, ...MORE };
const LOCALES = Object.fromEntries(
  readdirSync(FOLDER).map((name) => [
    name.replace(".json", ""),
    JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")),
  ]),
);
/** "=" + an English word of the server's own defaults, "!" + code of a refusal: English needs neither. */
const isOwn = (key) => /^[=!]/.test(key);
const slots = (text) => [...new Set(text.match(/\{\w+\}/g))].sort().join();
const forms = (word) => (typeof word === "object" ? Object.values(word) : [word]);

test("the promised languages are there", () => {
  assert.deepEqual(Object.keys(LOCALES).sort(), ["ar", "de", "es", "fr", "ja", "pl"]);
});

for (const [lang, words] of Object.entries(LOCALES)) {
  test(`${lang} says all that English says, and nothing else`, () => {
    const keys = Object.keys(words).filter((key) => !isOwn(key));
    assert.deepEqual(keys.sort(), Object.keys(ALL).sort());
    assert.equal(words.lang, lang);
    assert.equal(words.dir, new Intl.Locale(lang).maximize().script === "Arab" ? "rtl" : "ltr");
  });

  test(`${lang} translates the same defaults and refusals as the others`, () => {
    const own = Object.keys(words).filter(isOwn).sort();
    assert.deepEqual(own, Object.keys(LOCALES.de).filter(isOwn).sort());
  });

  test(`${lang} has the plural forms it needs, and only those`, () => {
    const categories = new Intl.PluralRules(lang).resolvedOptions().pluralCategories;
    for (const [key, english] of Object.entries(ALL)) {
      if (typeof english === "string") assert.equal(typeof words[key], "string", key);
      else assert.deepEqual(Object.keys(words[key]).sort(), [...categories].sort(), key);
    }
  });

  test(`${lang} puts into its phrases what English puts in`, () => {
    for (const [key, english] of Object.entries(ALL)) {
      const wanted = slots(forms(english).at(-1));
      const word = words[key];
      for (const [form, text] of typeof word === "object" ? Object.entries(word) : [["", word]]) {
        // A language may have a word of its own for one or two of a thing.
        const whole = (form === "one" || form === "two") && wanted.includes("{n}") ? `${text} {n}` : text;
        assert.equal(slots(whole), wanted, `${key} ${form}`);
      }
    }
  });

  test(`${lang} leaves nothing empty or in English`, () => {
    for (const [key, word] of Object.entries(words)) {
      for (const text of forms(word)) assert.ok(text.trim(), key);
      const same = typeof word === "string" && word === (ALL[key] ?? key.slice(1));
      // Words that are the same in both languages.
      const shared = ["lang", "dir", "number", "name", "website", "via"];
      assert.ok(!same || shared.includes(key), `${key}: ${word}`);
    }
  });
}

test("Arabic counts in its own forms", () => {
  const say = createTranslator(LOCALES.ar, assert.fail);
  const said = [1, 2, 3, 11, 100].map((n) => say("comments", { n }));
  assert.equal(new Set(said).size, 5);
  assert.match(said[2], /^3|^٣/);
});

test("what the site wrote itself is not read as a phrase", () => {
  const say = createTranslator(LOCALES.de, assert.fail);
  assert.equal(say("=Happy", undefined, "Happy"), "Freude");
  assert.equal(say("=More {n}", undefined, "More {n}"), "More {n}");
  assert.equal(say("=next", undefined, "next"), "next");
});

test("a refusal is told in the language, and in English as the server said it", () => {
  const problem = { code: "rate_limited", detail: "Too fast." };
  assert.equal(errorText(createTranslator(ALL, assert.fail), problem), "Too fast.");
  const say = createTranslator(LOCALES.de, assert.fail);
  assert.equal(errorText(say, problem), LOCALES.de["!rate_limited"]);
  assert.equal(errorText(say, { code: "new_code", detail: "Unheard of." }), "Unheard of.");
  assert.equal(errorText(say, { code: "offline" }), LOCALES.de.offline);
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

test("only a language with a file is asked for, and words that do not come leave English", async (t) => {
  const asked = [];
  Object.assign(globalThis, { COMMON: "1.2.3-abc", LOCALES: "ar de" });
  t.mock.method(globalThis, "fetch", async (url) => {
    asked.push(url);
    return Response.json({ lang: "de", next: "Mehr" });
  });
  const words = { ...STRINGS };
  await loadLocale("https://w.example", words, "pl", 1);
  assert.deepEqual(asked, []);
  assert.deepEqual(words, STRINGS);
  await loadLocale("https://w.example", words, "de", 1);
  assert.deepEqual(asked, ["https://w.example/embed/1.2.3-abc-de-1.json"]);
  assert.equal(words.next, "Mehr");
});
