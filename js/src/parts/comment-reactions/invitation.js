/**
 * “What can I do?”: the site's links for readers who reacted to the story.
 *
 * @import {ViewContext, Shared} from "../../part-api"
 * @import {State} from "../../types"
 */
/**
 * Add the links below the reactions, and keep them as the settings and the reader's reaction are.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 */
export function addInvitation(context, { h, safeUrl, localText }) {
  const { story, t } = context;
  const list = h("ul");
  const element = h("div", { class: "invitation", part: "invitation" }, h("p", null, t("act")), list);
  let drawn = "";

  /** @param {State} state */
  function draw({ settings, mine, optimistic }) {
    const calls = settings.calls_to_action ?? [];
    const now = JSON.stringify(calls);
    if (now !== drawn) {
      drawn = now;
      list.replaceChildren(
        ...calls.map((call) =>
          h(
            "li",
            null,
            h("a", { href: safeUrl(call.url), target: "_blank", rel: "noopener" }, h("bdi", null, localText(t, call, "label"))),
          ),
        ),
      );
    }
    element.hidden = !context.reacted || !calls[0] || !(optimistic ?? mine).reaction;
    // Into the document only when it is needed: it takes no space before.
    if (!element.hidden && !element.isConnected) reactions()?.after(element);
  }

  /** The row with the number of reactions. */
  const reactions = () => /** @type {ParentNode} */ (context.list.getRootNode()).querySelector(".reactions + .row");

  const { onRender } = context;
  context.onRender = (state) => {
    onRender?.(state);
    draw(state);
  };
  draw(story.state);
}
