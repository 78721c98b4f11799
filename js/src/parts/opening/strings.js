/** English strings of the part `opening`. @type {import("../../i18n").Strings} */
export const STRINGS = {
  shut: "Comments are closed for now. You can go on reading and reacting.",
  shutUntil: "Comments open again: {when}. You can go on reading and reacting.",
  moderated: "New comments are shown after approval.",
  moderatedUntil: "Until {when}, new comments are shown after approval.",
  draftKept: "What you have typed is kept.",
};
