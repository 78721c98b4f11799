/**
 * Load parts of a thread and merge them into the state.
 *
 * @import {Discussion} from "../../discussion"
 * @import {DiscussionApi, Thread} from "../../types"
 */
import { extend, ids } from "./find-comment.js";

/**
 * Create the function that loads a thread or its next replies.
 *
 * @param {Discussion} story
 * @param {DiscussionApi["get"]} get
 * @returns {DiscussionApi["loadThread"]}
 */
export const createThreadLoader = (story, get) => async (id, more) => {
  const loadedThread = () => story.state.threads.find((each) => more && each.id === id);
  /** @type {Thread} */
  const part = await get("/" + id + (more ? "?after=" + (loadedThread()?.next ?? id) : ""));
  const old = loadedThread();
  const thread = old ? extend(old, part) : part;
  const { unseen, threads } = story.state;
  const newThreads = threads.some((each) => each.id === thread.id)
    ? threads.map((each) => (each.id === thread.id ? thread : each))
    : [thread, ...threads];
  const drawnIds = ids(newThreads);
  const loadedIds = ids([thread]);
  story.set({ threads: newThreads, unseen: unseen.filter((each) => drawnIds.has(each) && !loadedIds.has(each)) });
  return thread;
};
