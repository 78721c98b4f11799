/**
 * Filters for comments by language and by copy, among the loaded comments. They also apply to comments loaded later.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 * @import {Comment} from "../../types"
 */

/**
 * The filters: string key, value of a comment, and label of a value.
 *
 * @type {[
 *   string,
 *   (comment: Comment, tools: Shared) => string | null | undefined,
 *   (value: string, lang: string) => string,
 * ][]}
 */
const FILTERS = [
  ["language", ({ lang }) => /^[a-z]{2,3}(?![a-z])/i.exec(lang ?? "")?.[0].toLowerCase(), languageName],
  ["place", ({ copy }, { copyLabel }) => copyLabel(copy), (value) => value],
];

/** Return a language's name. @param {string} value its tag @param {string} lang language of the name */
function languageName(value, lang) {
  return new Intl.DisplayNames(lang, { type: "language" }).of(value) ?? value;
}

/**
 * Return a function that creates the filter controls. A filter with fewer than two values has none.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {() => HTMLElement[]}
 */
export function createFilter({ story, t, tell }, tools) {
  const { h } = tools;
  /** @type {Record<string, string>} */
  const chosen = {};

  function applyFilter() {
    /** @param {Comment} comment */
    const filter = (comment) =>
      // Readers always see their own comments.
      comment.id in story.state.mine.comments ||
      FILTERS.every(([name, of]) => !chosen[name] || chosen[name] === of(comment, tools));
    story.set({ filter });
    tell(t("comments", { n: all().filter(filter).length }));
  }

  /** @returns {Comment[]} */
  const all = () => story.state.threads.flatMap((thread) => [thread, ...thread.replies]);

  return () =>
    FILTERS.flatMap(([name, of, call]) => {
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
