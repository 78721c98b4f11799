/** English strings of the part `live`. In other languages they are in the locale file of the first file. @type {import("../../i18n").Strings} */
export const STRINGS = {
  act: "What can I do?",
  newComments: { one: "{n} new comment", other: "{n} new comments" },
};
