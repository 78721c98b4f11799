/**
 * Lazy part `proof`: the proof of work that a site asks of new readers in a raid. The part `outbox` loads it only then.
 */
import { solve } from "./solve.js";

/** Create the part for a view. @returns {import("../../part-api").Prove} */
export const open = () => solve;
