/**
 * Load parts of a thread and merge them into the state.
 *
 * @import {Discussion} from "../../discussion"
 * @import {DiscussionApi, Thread} from "../../types"
 */
import { extend, find, ids } from "./find-comment.js";
import { bringUpToDate } from "./up-to-date.js";

/**
 * Create the function that loads a thread or its next replies.
 *
 * @param {Discussion} story
 * @param {(which: string) => Promise<any>} get
 * @param {typeof import("../../state").reduce} reduce
 * @returns {DiscussionApi["loadThread"]}
 */
export const createThreadLoader = (story, get, reduce) => async (id, more) => {
  const loadedThread = () => story.state.threads.find((each) => each.id === id);
  const before = loadedThread();
  const { position, ...answer } = await get("/" + id + (more ? "?after=" + (before?.next ?? id) : ""));
  const now = bringUpToDate(reduce, story.state, { position, next: null, order: "newest", threads: [answer] });
  const part = /** @type {Thread} */ (find(now, answer.id) ?? answer);
  const old = loadedThread();
  // Meanwhile another list was chosen that does not have this thread, or other replies of it were loaded.
  if (before && (more ? before.next !== old?.next : !old)) return part;
  const thread = more && old ? extend(old, part) : part;
  const { unseen, threads } = story.state;
  const newThreads = threads.some((each) => each.id === thread.id)
    ? threads.map((each) => (each.id === thread.id ? thread : each))
    : [thread, ...threads];
  const drawnIds = ids(newThreads);
  const loadedIds = ids([thread]);
  story.set({ threads: newThreads, unseen: unseen.filter((each) => drawnIds.has(each) && !loadedIds.has(each)) });
  return thread;
};
