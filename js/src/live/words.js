/** English for what changes while somebody reads. Other languages say it with what the first file says. @type {import("../words").Words} */
export const WORDS = {
  fresh: { one: "Show {n} new comment", other: "Show {n} new comments" },
};
