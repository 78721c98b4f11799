/** English for what changes while someone reads. Other languages say it with what the first file says. @type {import("../../i18n").Strings} */
export const STRINGS = {
  newComments: { one: "{n} new comment", other: "{n} new comments" },
};
