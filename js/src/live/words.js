/** English for what changes while somebody reads. Other languages say it with what the first file says. @type {import("../words").Strings} */
export const STRINGS = {
  newComments: { one: "Show {n} new comment", other: "Show {n} new comments" },
};
