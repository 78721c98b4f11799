/**
 * The settings at a time: opening hours without a clock (pure).
 *
 * @import {Settings} from "../../types"
 */

/** From the narrowest to the widest. */
const MODES = ["closed", "approval", "open"];

/**
 * Return the settings as they are at a time: the same object if the mode has not changed.
 *
 * @param {Settings} settings
 * @param {number} now in milliseconds
 * @returns {Settings}
 */
export function settingsAt(settings, now) {
  const { edges = [] } = settings;
  const later = edges.filter(({ at }) => Date.parse(at) > now);
  const mode = edges[edges.length - later.length - 1]?.mode;
  if (!mode) return settings;
  const opens = later.find((edge) => MODES.indexOf(edge.mode) > MODES.indexOf(mode));
  return { ...settings, mode, edges: later, opens_at: opens?.at ?? null };
}
