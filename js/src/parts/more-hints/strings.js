/** English strings of the part `more-hints`. @type {import("../../i18n").Strings} */
export const STRINGS = {
  cancel: "Cancel",
  e_who: "Only the editors see this. If they correct the story, they can thank you by name.",
  e_passage: "The passage in the story (optional)",
  e_text: "What is wrong, and what would be right?",
  e_name: "Your name, if you want to be thanked in public (optional)",
  e_send: "Send to the editors",
  e_sending: "Sending…",
  e_empty: "Write what is wrong first.",
  e_sent: "Thank you. The editors see it.",
  e_unsent: "Not sent: the server cannot be reached. Your words are kept here. Send them again when you are back.",
  e_full: "The editors have not looked at your last three reports yet. Send this one when they have; your words are kept here.",
  e_open: "You reported an error on {time}. The editors see it.",
  e_accepted: "You reported an error on {time}, and the story was corrected. Thank you!",
  e_declined: "You reported an error on {time}. The editors looked at it and left the story as it is. Thank you for reading so closely.",
  e_answer: "The editors write:",
  e_own: "Your error reports here",
};
