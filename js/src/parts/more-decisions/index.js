/**
 * Lazy part `more-decisions`: reports with their outcome, what was decided about one's own comments, objections and bans.
 *
 * Its name contains `more`, so that the first file also loads its strings.
 *
 * @import {ViewContext, DecisionsPart, Shared} from "../../part-api"
 * @import {Ban, OwnDecision, State} from "../../types"
 */
import { report } from "./report.js";
import panelCss from "../panel.css";
import css from "./style.css";

export { STRINGS } from "./strings.js";

/** A removed comment that the reader reported is named for so long, in milliseconds. */
const NEWS_MS = 6e8;
const KEYS = { removed: "ownRemoved", held: "ownHeld", edit_rejected: "ownEdit", restored: "ownRestored" };

/**
 * Create the part for a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {DecisionsPart}
 */
export function open(context, tools) {
  const { story, t, tell, explain, list, onRender } = context;
  const { h, button, newId } = tools;
  const element = /** @type {HTMLElement} */ (list.parentElement);
  /** What has no comment on the page beside it. */
  const box = h("div", { class: "decisions" });
  /** The drawn lines with what they were drawn from, by comment; "" for the ban. @type {Map<string, [HTMLElement, string]>} */
  const drawn = new Map();
  /** Comments about which the server was asked, with the state that they had then. @type {Map<string, string>} */
  const asked = new Map();
  const dates = new Intl.DateTimeFormat(t("lang"), { dateStyle: "medium", timeStyle: "short" });
  const time = (/** @type {string} */ at) => dates.format(Date.parse(at));
  context.style(panelCss);
  context.style(css);

  /** Take over what an answer says of this reader. @param {any} answer */
  function take({ mine, ban = null }) {
    const comments = { ...story.state.mine.comments };
    for (const comment of mine.comments) comments[comment.id] = comment;
    story.set({ ban, mine: { ...story.state.mine, comments, reports: mine.reports } });
  }

  /**
   * Return the button that opens the form for an objection.
   *
   * @param {string | undefined} comment
   */
  function objection(comment) {
    const opener = button(t("object"), show, { class: "outline" });
    return opener;

    function show() {
      const id = newId();
      const text = h("textarea", { id, maxlength: 1000, rows: 3, dir: "auto" });
      const error = h("p", { class: "error", role: "alert" });
      const close = () => panel.replaceWith(opener);
      const cancel = () => {
        close();
        opener.focus();
      };
      const panel = h(
        "div",
        { class: "panel", role: "group", "aria-labelledby": id + "l", onkeydown: (/** @type {KeyboardEvent} */ { key }) => key === "Escape" && cancel() },
        h("label", { for: id, id: id + "l" }, t("objectWhy")),
        text,
        error,
        h(
          "div",
          { class: "row" },
          button(
            t("object"),
            async () => {
              try {
                take(await story.mutate({ type: "appeal", comment, text: text.value.trim() || undefined }));
                tell(t("objected"), true);
              } catch (problem) {
                error.textContent = explain(problem);
              }
            },
            { class: "primary" },
          ),
          button(t("cancel"), cancel, { class: "outline" }),
        ),
      );
      opener.replaceWith(panel);
      text.focus();
    }
  }

  /**
   * Draw a line unless it is drawn, at its comment if that is on the page.
   *
   * @param {string} id of the comment, or "" for the ban
   * @param {unknown} from what the line depends on
   * @param {() => (Node | string | false | undefined)[]} content
   * @param {boolean} [alone] whether the line is also shown without its comment
   */
  function line(id, from, content, alone) {
    const key = JSON.stringify(from);
    const old = drawn.get(id);
    const place = id && list.querySelector(`.time[href$="#c-${id}"]`)?.closest("article");
    const parent = place || (alone && box);
    if (!parent) return old?.[0].remove();
    const [node] = old?.[1] === key ? old : [h("div", { class: "decided small" }, ...content().filter(Boolean).map((each) => h("p", null, /** @type {string} */ (each))))];
    if (old && old[0] !== node) old[0].remove();
    if (node.parentElement !== parent) parent.append(node);
    drawn.set(id, [node, key]);
  }

  /** @param {OwnDecision | Ban} decision */
  const why = ({ by, reason }) =>
    t(by === "person" ? "byPerson" : "byRule") + (reason ? " " + t("because", { reason: t("r_" + reason, undefined, reason) }) : "");

  /** @param {OwnDecision | Ban} decision @param {string} [comment] */
  const answers = ({ may_appeal, appeal }, comment) => [
    appeal === "waiting" ? t("objected") : appeal === "upheld" && t("upheld"),
    may_appeal && objection(comment),
  ];

  /** @param {State} state */
  function draw({ mine, threads, ban, settings, read_only }) {
    const shown = threads.flatMap((thread) => [thread, ...thread.replies]);
    const reports = mine.reports ?? [];
    // What the reader is told does not fit what the page shows: the comment was removed, or is back.
    const news = shown.filter(({ id, state }) => {
      const gone = state === "removed";
      const own = mine.comments[id];
      const told = own?.decision?.state;
      return (
        state !== "pending" &&
        asked.get(id) !== state &&
        ((own && gone !== (told === "removed" || told === "held")) ||
          reports.some(({ comment, outcome }) => comment === id && (outcome === "removed") !== gone))
      );
    });
    if (news[0]) {
      for (const { id, state } of news) asked.set(id, state);
      // Not after the reader has erased everything meanwhile: asking would make this browser a reader again.
      story.connection?.actionChain.then(() => {
        if (story.storage().reader) story.mutate({ type: "mine" }).then(take, () => {});
      });
    }
    const told = new Set();
    for (const [id, { created_at, decision }] of Object.entries(mine.comments)) {
      if (!decision) continue;
      told.add(id);
      const { state } = decision;
      line(
        id,
        decision,
        () => [
          t(KEYS[state], { time: time(created_at) }),
          state !== "restored" && why(decision),
          ...answers(decision, id),
        ],
        state !== "restored",
      );
    }
    for (const { comment, at, outcome } of reports) {
      // The writer deleted it: nothing was decided, and no moderator will look at it.
      if (outcome === "gone") continue;
      told.add(comment);
      const removed = outcome === "removed";
      line(
        comment,
        outcome,
        () => [t(removed ? "reportedRemoved" : outcome === "kept" ? "reportedKept" : "reported")],
        removed && story.now() - Date.parse(at) < NEWS_MS,
      );
    }
    if (ban && (read_only === "banned" || ban.mode === "approval")) {
      told.add("");
      const { until, mode } = ban;
      line(
        "",
        ban,
        () => [
          mode === "approval" && t("bannedApproval"),
          why(ban),
          until ? t(mode === "approval" ? "bannedEnds" : "bannedUntil", { time: time(until) }) : t("bannedGood"),
          settings.guidelines ? h("a", { href: tools.safeUrl(settings.guidelines), target: "_blank", rel: "noopener" }, t("guidelines")) : "",
          ...answers(ban),
        ],
        true,
      );
    }
    for (const [id, [node]] of drawn) {
      if (told.has(id)) continue;
      node.remove();
      drawn.delete(id);
    }
    if (box.firstChild && !box.isConnected) element.insertBefore(box, list);
  }

  context.onRender = (state) => {
    onRender?.(state);
    draw(state);
  };
  draw(story.state);
  return { begin: (handle, opener) => report(context, tools, handle, opener) };
}
