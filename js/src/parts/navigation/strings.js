/** English for who moves through a discussion. Other languages say it with what the first file says. @type {import("../../i18n").Strings} */
export const STRINGS = {
  allReplies: { one: "{n} reply", other: "{n} replies" },
  hideReplies: "Hide replies",
  skip: "Skip the comments",
};
