/**
 * Lazy part `preview`: parse the server's Markdown subset into the same tree. Both agree for common text
 * (`tests/contract/markdown.json`); rare constructs may be shown more plainly.
 *
 * @import {TextNode} from "../../types"
 */

/** This part has no strings. */
export const STRINGS = {};

export const open = () => render;

const BULLET = /^ {0,3}([-*+])(?: +|$)/;
const NUMBER = /^ {0,3}(\d{1,9})[.)](?: +|$)/;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const QUOTE = /^ {0,3}> ?/;

/** Parse a comment's text. @param {string} source @returns {TextNode[]} */
export const render = (source) => blocks(source.replace(/\r\n?/g, "\n").split("\n"));

/** Parse block elements. @param {string[]} lines @param {boolean} [tight] without `p` around paragraphs @returns {TextNode[]} */
function blocks(lines, tight) {
  /** @type {TextNode[]} */
  const out = [];
  let i = 0;
  const line = () => lines[i] ?? "";
  while (i < lines.length) {
    const fence = FENCE.exec(line());
    if (!line().trim()) i++;
    else if (fence) {
      const end = fence[1] ?? "";
      const code = [];
      for (i++; i < lines.length && !closes(line(), end); i++) code.push(line());
      i++;
      const info = /^[\w+#.-]{0,32}$/.test((fence[2] ?? "").trim()) ? [] : [fence[2]?.trim()];
      out.push(["pre", null, ["code", null, [...info, ...code].join("\n")]]);
    } else if (/^ {4}/.test(line())) {
      const code = [];
      for (; /^( {4}|\s*$)/.test(line()) && i < lines.length; i++) code.push(line().slice(4));
      out.push(["pre", null, ["code", null, code.join("\n").trimEnd()]]);
    } else if (QUOTE.test(line())) {
      const inner = [];
      while (i < lines.length && (QUOTE.test(line()) || (line().trim() && !starts(line(), 1)))) {
        inner.push(line().replace(QUOTE, ""));
        i++;
      }
      out.push(["blockquote", null, ...blocks(inner)]);
    } else if (BULLET.test(line()) || Number(NUMBER.exec(line())?.[1]) === 1) list();
    else {
      const text = [];
      do text.push(line().trim());
      while (++i < lines.length && line().trim() && !starts(line(), 0));
      const spans = inline(text.join("\n"));
      if (tight) out.push(...spans);
      else out.push(["p", null, ...spans]);
    }
  }
  return out;

  function list() {
    const sign = BULLET.exec(line())?.[1];
    const marker = sign ? BULLET : NUMBER;
    /** @type {string[][]} */
    const items = [];
    let loose = false;
    while (i < lines.length) {
      const found = marker.exec(line());
      if (!found || (sign && found[1] !== sign)) break;
      const depth = found[0].length;
      const item = [line().slice(depth)];
      i++;
      for (; i < lines.length; i++) {
        const empty = !line().trim();
        if (empty && !inside(lines[i + 1] ?? "", depth)) break;
        if (empty) loose = true;
        if (!empty && !/^ /.test(line()) && starts(line(), 2)) break;
        if (!empty && marker.test(line()) && !inside(line(), depth)) break;
        item.push(line().slice(Math.min(depth, line().search(/\S|$/))));
      }
      items.push(item);
      if (!line().trim() && marker.test(lines[i + 1] ?? "")) {
        loose = true;
        i++;
      }
    }
    out.push([
      sign ? "ul" : "ol",
      null,
      ...items.map((item) => /** @type {TextNode} */ (["li", null, ...blocks(item, !loose)])),
    ]);
  }
}

/** @param {string} line @param {number} depth */
const inside = (line, depth) => line.search(/\S/) >= depth;

/** @param {string} line @param {string} fence */
const closes = (line, fence) =>
  line.trim().startsWith(fence) && !line.trim().replaceAll(fence[0] ?? "", "");

/** Whether a line ends the paragraph before it. @param {string} line @param {number} _ */
const starts = (line, _) =>
  FENCE.test(line) || QUOTE.test(line) || /^ {0,3}([-*+]|1[.)]) +\S/.test(line);

const TOKENS =
  /\\([!-/:-@[-`{-~])|(`+)([^`]|[^`][^]*?[^`])\2(?!`)|\[((?:\\.|`[^`]*`|[^\]\\[])*)\]\(\s*<?(https?:[^\s<>)]*(?:\([^\s<>)]*\)[^\s<>)]*)*)>?(?:\s+"[^"]*")?\s*\)|(?<![\w/])(https?:\/\/[^\s<>"`«»‘-‟\u3000-\u3011\uff01-\uff0f\uff1a-\uff20]+)|(\*\*|__|~~)(?=\S)([^]*?\S)\7(?!\*(?!\*))|([*_])(?=[^\s*_])((?:[^*_]|\*\*[^]*?\*\*|__[^]*?__|(?<=\w)_(?=\w))*?[^\s*_]|\*\*[^]*?\*\*|__[^]*?__)\9(?!\w)|\n/;

/** End of an address that is followed by text without a space: the rule of `content/links.py`. */
const FOREIGN =
  /(?<=^[!-~]*[0-9A-Za-z])(?![\0-\u024f\u0300-\u036f\u1e00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff])[\p{L}\p{M}]|(?![\0-\u036f\u2000-\u206f・･])\p{Po}/u;
const MARKS = /([.,:;!?'"*_~)\]]|(?![\0-\x7f])[\p{Po}\p{Ps}\p{Pe}\p{Pi}\p{Pf}])+$/u;

/** Parse inline elements. @param {string} text @returns {TextNode[]} */
function inline(text) {
  /** @type {TextNode[]} */
  const out = [];
  /** Append text. @param {string} words */
  const append = (words) => {
    const last = out.length - 1;
    if (typeof out[last] === "string") out[last] += words;
    else if (words) out.push(words);
  };
  while (text) {
    const found = TOKENS.exec(text);
    if (!found) break;
    const [all, escaped, , code, label, href, bare, double, strong, single, soft] = found;
    let used = found.index + all.length;
    append(text.slice(0, found.index).replace(/ +$/, all === "\n" ? "" : "$&"));
    // An underscore inside a word is a plain character.
    const word = (double ?? single)?.[0] === "_" && /\w/.test(text[found.index - 1] ?? "");
    if (word) {
      append(all[0] ?? "");
      used = found.index + 1;
    } else if (escaped) append(escaped);
    else if (code !== undefined) {
      const plain = code.replace(/\n/g, " ");
      out.push(["code", null, /^ .*[^ ].* $/.test(plain) ? plain.slice(1, -1) : plain]);
    } else if (href) out.push(["a", { href }, ...inline(label || href)]);
    else if (bare) {
      const end = bare.search(FOREIGN);
      const url = (end < 0 ? bare : bare.slice(0, end)).replace(MARKS, "");
      out.push(["a", { href: url }, url]);
      used -= bare.length - url.length;
    } else if (double) out.push([double === "~~" ? "del" : "strong", null, ...inline(strong ?? "")]);
    else if (single) out.push(["em", null, ...inline(soft ?? "")]);
    else out.push(["br", null]);
    text = text.slice(used);
  }
  append(text);
  return out;
}
