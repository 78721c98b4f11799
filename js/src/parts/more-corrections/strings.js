/** English strings of the part `more-corrections`. @type {import("../../i18n").Strings} */
export const STRINGS = {
  k_correction: "Corrected {time}:",
  k_clarification: "Clarified {time}:",
  k_update: "Updated {time}:",
  k_retraction: "Retracted {time}:",
  k_withdrawn: "Withdrawn {time}.",
  k_thanks: "Thanks to {name}.",
  k_yours: "You reported this. Thank you!",
  k_older: "The story has changed since this copy was made, on {time}.",
  k_changes: "See what changed",
  k_earlier: { one: "{n} earlier correction", other: "{n} earlier corrections" },
};
