/** English strings of the part `outbox`. In other languages they are in the locale file of `writing`. @type {import("../../i18n").Strings} */
export const STRINGS = {
  posted: "Comment posted.",
  pending: "Waiting for a moderator. Only you can see it.",
  saved: "Changes saved.",
  deleted: "Comment deleted.",
  undo: "Undo",
  isOffline: "You're offline.",
  goOn: "Go on writing; it will be sent when you are back.",
  reconsider: "Change it, or send it again: then a moderator looks at it first.",
  checking: "Many comments are coming in. Checking that you are not a robot; this takes a few seconds.",
  unsent: "Not sent yet. Saved in this browser.",
  edit: "Edit",
  discard: "Discard",
};
