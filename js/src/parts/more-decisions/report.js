/**
 * Form of a report: what is wrong with a comment.
 *
 * @import {ViewContext, CommentHandle, Shared} from "../../part-api"
 */
const CATEGORIES = ["attack", "hate", "threat", "sexual", "privacy", "false", "illegal", "copyright", "spam", "off_topic", "other"];

/**
 * Ask why a comment is reported.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @param {CommentHandle} handle
 * @param {HTMLElement} opener
 */
export function report({ story, t, tell, explain }, { h, button, newId }, { article, comment }, opener) {
  const id = newId();
  const choice = h(
    "select",
    { id },
    ...CATEGORIES.map((category) => h("option", { value: category }, t("r_" + category))),
  );
  choice.value = "other";
  const reason = h("input", { id: id + "r", maxlength: 1000, dir: "auto" });
  const error = h("p", { class: "error", role: "alert" });
  const panel = h(
    "div",
    { class: "panel", role: "group", "aria-labelledby": id + "l", onkeydown },
    h("label", { for: id, id: id + "l" }, t("reportWhat")),
    choice,
    h("label", { for: id + "r" }, t("reason")),
    reason,
    error,
    h(
      "div",
      { class: "row" },
      button(t("report"), submit, { class: "primary" }),
      button(t("cancel"), () => close(opener), { class: "outline" }),
    ),
  );

  /** @param {HTMLElement} to */
  function close(to) {
    to.focus();
    panel.remove();
  }

  async function submit() {
    const category = choice.value;
    try {
      await story.mutate({ type: "report", comment: comment.id, category, reason: reason.value.trim() || undefined });
      close(article);
      const { mine } = story.state;
      const reports = (mine.reports ?? []).filter((each) => each.comment !== comment.id);
      const at = new Date(story.now()).toISOString();
      story.set({ mine: { ...mine, reports: [...reports, { comment: comment.id, category, at, outcome: "waiting" }] } });
      tell(t("reportDone"), true);
    } catch (problem) {
      error.textContent = explain(problem);
    }
  }

  /** @param {KeyboardEvent} event */
  function onkeydown({ key, target, isComposing }) {
    if (key === "Escape") close(opener);
    else if (key === "Enter" && target === reason && !isComposing) submit();
  }

  article.querySelector(".panel")?.remove();
  article.append(panel);
  choice.focus();
}
