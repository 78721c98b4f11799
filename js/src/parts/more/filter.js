/**
 * Comments of one language, or written on one copy: chosen among those that are here, and kept while more are shown.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 * @import {Comment} from "../../types"
 */

/**
 * What a comment can be chosen by, and how a value of it is called.
 *
 * @type {[
 *   string,
 *   (comment: Comment, tools: Shared) => string | null | undefined,
 *   (value: string, lang: string) => string,
 * ][]}
 */
const TRAITS = [
  ["language", ({ lang }) => /^[a-z]{2,3}(?![a-z])/i.exec(lang ?? "")?.[0].toLowerCase(), nameOf],
  ["place", ({ copy }, { copyLabel }) => copyLabel(copy), (value) => value],
];

/** @param {string} value @param {string} lang */
function nameOf(value, lang) {
  return new Intl.DisplayNames(lang, { type: "language" }).of(value) ?? value;
}

/**
 * Makes the choices, where there is something to choose from.
 *
 * @param {ViewContext} frame
 * @param {Shared} tools
 * @returns {() => HTMLElement[]}
 */
export function createFilter({ story, t, tell }, tools) {
  const { h } = tools;
  /** @type {Record<string, string>} */
  const chosen = {};

  function applyFilter() {
    /** @param {Comment} comment */
    const sieve = (comment) =>
      // Anyone who writes sees it.
      comment.id in story.state.mine.comments ||
      TRAITS.every(([name, of]) => !chosen[name] || chosen[name] === of(comment, tools));
    story.set({ filter: sieve });
    tell(t("comments", { n: all().filter(sieve).length }));
  }

  /** @returns {Comment[]} */
  const all = () => story.state.threads.flatMap((thread) => [thread, ...thread.replies]);

  return () =>
    TRAITS.flatMap(([name, of, call]) => {
      const values = new Set(all().map((comment) => of(comment, tools) ?? "")).add(chosen[name] ?? "");
      values.delete("");
      if (values.size < 2) return [];
      const select = h(
        "select",
        {
          onchange() {
            chosen[name] = select.value;
            applyFilter();
          },
        },
        ...["", ...[...values].sort()].map((value) =>
          h(
            "option",
            { value, selected: value === chosen[name] },
            value ? call(value, t("lang")) : t("all"),
          ),
        ),
      );
      return h("label", null, t(name), select);
    });
}
