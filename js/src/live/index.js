/** The part for who acts, or stays until something changes. */
export { actFor } from "./act.js";
export { changesOn } from "./changes.js";
export { blocked } from "./policy.js";
