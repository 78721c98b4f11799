/**
 * What a widget needs in a page without the snippet's own lines, or in a quotation.
 *
 * @import {Shared, ViewContext} from "../../part-api"
 * @import {StoryWidget} from "../../element"
 */
import { addAttribution } from "./attribution.js";
import { readInk } from "./ink.js";

/**
 * Add title, author and license to a page that has no snippet, and take the ink from around a quotation.
 *
 * @param {ViewContext} view
 * @param {StoryWidget} host
 * @param {AbortSignal} signal ends it
 * @param {Shared} tools
 */
export function adapt({ story, t, list }, host, signal, tools) {
  const original = /** @type {import("../../types").Story} */ (story.state.story);
  if (!host.links[0]) addAttribution(host, { ...original, ...original.translations?.[t("lang")] }, tools);
  readInk(host, /** @type {HTMLElement} */ (list.parentElement), signal);
}
