/**
 * Filters for comments by language and by site, among the loaded comments. They also apply to comments loaded later.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 * @import {Comment, State} from "../../types"
 */

/**
 * The filters: string key, value of a comment, and label of a value.
 *
 * @type {[
 *   string,
 *   (comment: Comment, tools: Shared) => string | null | undefined,
 *   (value: string) => string,
 * ][]}
 */
const FILTERS = [
  ["language", ({ lang }) => /^[a-z]{2,3}(?![a-z])/i.exec(lang ?? "")?.[0].toLowerCase(), languageName],
  ["place", ({ copy }, { copyLabel }) => copyLabel(copy), (value) => value],
];

/** Return a language's own name. @param {string} value its tag */
function languageName(value) {
  const name = new Intl.DisplayNames(value, { type: "language" }).of(value) ?? value;
  return name.replace(/^./u, (first) => first.toLocaleUpperCase(value));
}

/**
 * Create the filters of a discussion. Each with at least two values is a group of buttons.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 */
export function createFilters(context, tools) {
  const { story, t, tell, list } = context;
  const { h, set, button } = tools;
  /** @type {Record<string, string>} */
  const chosen = {};
  /** The language of this copy, if the owner keeps the comments of languages apart. @type {string | undefined} */
  let own;
  /** The list that was requested last, until it is there. @type {Pick<State, "order" | "only"> | undefined} */
  let wanted;
  const row = h("div", { class: "filters" });

  /** @returns {Comment[]} */
  const all = () =>
    story.state.threads.flatMap((thread) => [thread, ...thread.replies]).filter(({ state }) => state !== "removed");

  function applyFilters() {
    context.filter = (comment) =>
      // Readers always see their own comments.
      comment.id in story.state.mine.comments ||
      FILTERS.every(([name, of]) => {
        const value = of(comment, tools);
        // Comments without a language belong to all.
        return !chosen[name] || chosen[name] === value || (own && !value && name === "language");
      });
    // All draw again.
    story.set({});
  }

  /** Load the list in an order and, where languages are apart, in the chosen one. The last choice counts. @param {State["order"]} [order] */
  async function load(order = (wanted ?? story.state).order) {
    // Copies of two languages share the list.
    const only = own && chosen.language && story.langs.size < 2 ? "&lang=" + chosen.language : "";
    const list = (wanted = { order, only });
    try {
      const { threads, next, order: now } = await story.getThreads(order, only);
      if (wanted === list) story.set({ threads, next, unseen: [], order: now, only });
    } finally {
      if (wanted === list) wanted = undefined;
    }
  }

  function groups() {
    const comments = all();
    // Show numbers only if all comments are loaded.
    const complete = comments.length === story.state.count;
    return FILTERS.flatMap(([name, of, label]) => {
      const values = new Set(comments.map((comment) => of(comment, tools) ?? "")).add(chosen[name] ?? "");
      values.delete("");
      const isApart = own && name === "language";
      if (isApart) values.add(own ?? "");
      if (values.size < 2 && !isApart) return [];
      const chips = ["", ...[...values].sort()].map((value) => {
        const n = comments.filter((comment) => !value || of(comment, tools) === value).length;
        const chip = button("", async () => {
          chosen[name] = value;
          for (const each of chips) set(each, "aria-pressed", String(each === chip));
          // Those that are loaded at once, then those that the server has.
          applyFilters();
          if (isApart) await load().catch(() => {});
          tell(t("comments", { n: all().filter(context.filter).length }));
        }, { class: "filter", "aria-pressed": String(value === (chosen[name] ?? "")) });
        chip.append(
          h("bdi", { lang: value && name === "language" ? value : null }, value ? label(value) : t("all")),
          complete ? " " + t("", { n }, "{n}") : "",
        );
        return chip;
      });
      return [h("div", { role: "group", class: "chips", "aria-label": t(name) }, ...chips)];
    });
  }

  return {
    load,
    /** Return the groups that are not shown yet. */
    hidden: () => (row.isConnected ? [] : groups()),
    /** Show the filters in use below an element. @param {Element} place */
    show(place) {
      row.remove();
      if (!own && !Object.values(chosen).some(Boolean)) return;
      row.replaceChildren(...groups());
      place.after(row);
    },
    /** Show only the comments of this copy's language, until the reader chooses another one. */
    keepApart() {
      own = context.lang;
      chosen.language = own;
      applyFilters();
      load().catch(() => {});
      this.show(/** @type {Element} */ (list.parentElement?.querySelector(".bar")));
    },
  };
}
