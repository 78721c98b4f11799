/**
 * Parts of a thread, fetched and put where they belong.
 *
 * @import {Discussion} from "../../discussion"
 * @import {DiscussionApi, Thread} from "../../types"
 */
import { extend, ids } from "./find-comment.js";

/**
 * @param {Discussion} story
 * @param {DiscussionApi["get"]} get
 * @returns {DiscussionApi["loadThread"]}
 */
export const createThreadLoader = (story, get) => async (id, on) => {
  const held = () => story.state.threads.find((each) => on && each.id === id);
  /** @type {Thread} */
  const part = await get("/" + id + (on ? "?after=" + (held()?.next ?? id) : ""));
  const old = held();
  const thread = old ? extend(old, part) : part;
  const { unseen, threads } = story.state;
  const now = threads.some((each) => each.id === thread.id)
    ? threads.map((each) => (each.id === thread.id ? thread : each))
    : [thread, ...threads];
  const all = ids(now);
  const seen = ids([thread]);
  story.set({ threads: now, unseen: unseen.filter((each) => all.has(each) && !seen.has(each)) });
  return thread;
};
