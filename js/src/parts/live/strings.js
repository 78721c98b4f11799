/** English strings of the part `live`. In other languages they are in the locale file of the first file. @type {import("../../i18n").Strings} */
export const STRINGS = {
  newComments: { one: "{n} new comment", other: "{n} new comments" },
};
