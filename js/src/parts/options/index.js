/**
 * Lazy part `options`: order, filters, sharing, a comment's menu.
 *
 * @import {ViewContext, OptionsPart, Shared} from "../../part-api"
 */
import { closePopover, openPopover } from "./popover.js";
import { createFilters } from "./filter.js";
import { openMenu } from "./menu.js";
import { share } from "./share.js";
import panelCss from "../panel.css";
import css from "./style.css";

export { STRINGS } from "./strings.js";

const ORDERS = /** @type {const} */ (["newest", "oldest", "top"]);

/**
 * Create the part for a view.
 *
 * @param {ViewContext} context
 * @param {Shared} tools
 * @returns {OptionsPart}
 */
export function open(context, tools) {
  const { story, t, tell, explain } = context;
  const filters = createFilters(context, tools);
  context.style(panelCss);
  context.style(css);
  if (story.state.settings.discussion_languages) filters.keepApart();

  /** Run an action and show its error. @param {() => unknown} act */
  async function attempt(act) {
    try {
      await act();
    } catch (problem) {
      tell(explain(problem), true);
    }
  }

  /** @param {HTMLElement} opener */
  function sort(opener) {
    const bar = /** @type {HTMLElement} */ (opener.parentElement);
    const { order: now } = story.state;
    openPopover(
      tools,
      opener,
      t("order"),
      [
        ...ORDERS.map((order) =>
          tools.button(
            t(order),
            () => {
              closePopover(true);
              attempt(() => filters.load(order));
            },
            { class: order === now ? "icon-check" : "icon-none", "aria-pressed": String(order === now) },
          ),
        ),
        ...filters.hidden(),
      ],
      () => filters.show(bar),
    );
  }

  return {
    begin: (handle) => openMenu(context, tools, handle),
    open(what, opener) {
      if (what === "newest") sort(opener);
      else share(context, tools, opener, attempt);
    },
  };
}
