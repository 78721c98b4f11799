/** Factories of snapshots, threads, comments and messages for tests. */

export const comment = (id, { minute = 0, thread = id, parent = null, ...rest } = {}) => ({
  id,
  parent,
  thread,
  seq: 1,
  state: "published",
  text: [["p", null, id]],
  author: { name: id, website: null, role: null },
  copy: null,
  lang: "en",
  created_at: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
  edited_at: null,
  pinned: false,
  tally: { version: 0, counts: {} },
  ...rest,
});

export const thread = (id, rest = {}, replies = [], more = 0) => ({
  ...comment(id, rest),
  replies,
  more,
});

export const snapshot = (seq, threads, rest = {}) => ({
  type: "snapshot",
  story: { code: "C", site: "s", closed: false, notice: null, license: "CC-BY-4.0" },
  position: { epoch: "e", seq },
  resumed: false,
  tally: { version: 1, counts: { happy: 2, sad: 0 } },
  presence: { readers: 1, copies: 1 },
  count: threads.length,
  settings: { reactions: [] },
  comments: { threads, next: null },
  ...rest,
});

export const commentMessage = (seq, changed) => ({
  type: "comment",
  story: "C",
  position: { epoch: "e", seq },
  comment: { ...changed, seq },
  count: 9,
});
