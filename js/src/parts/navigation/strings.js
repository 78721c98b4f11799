/** English strings of the part. Other languages have them in the locale file of the first file. @type {import("../../i18n").Strings} */
export const STRINGS = {
  allReplies: { one: "{n} reply", other: "{n} replies" },
  hideReplies: "Hide replies",
  skip: "Skip the comments",
};
