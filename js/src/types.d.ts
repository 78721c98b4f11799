/** Types of the protocol (docs/developers/protocol.md) and of the embed's state. */

/** Node of a comment's text: a string, or `[tag, attributes or null, ...nodes]`. */
export type TextNode = string | [string, Record<string, string> | null, ...TextNode[]];

export interface Position {
  epoch: string;
  seq: number;
}

export interface Tally {
  version: number;
  counts: Record<string, number>;
}

export interface Comment {
  id: string;
  parent: string | null;
  thread: string;
  seq: number;
  /** `seq` at which it was published: its place in the order; 0 while only its author sees it. */
  published_seq: number;
  state: "published" | "pending" | "removed";
  text: TextNode[];
  author: { name: string | null; website: string | null; role: string | null; vouched?: boolean };
  copy: { label: string | null; origin: string | null } | null;
  lang: string | null;
  created_at: string;
  edited_at: string | null;
  pinned: boolean;
  featured?: boolean;
  tally: Tally;
  /** Whether an edit is waiting for moderation. */
  waiting?: boolean;
}

/** A top-level comment with some of its replies, oldest first: `earlier` more before them, `more` more after `next`. */
export interface Thread extends Comment {
  replies: Comment[];
  more: number;
  next: string | null;
  earlier?: number;
  /** `seq` up to which `more` counts, if that may be after the position of the state. */
  counted?: number | undefined;
}

/** A comment with the fields that only its author receives. */
export interface OwnComment extends Comment {
  body: string;
  editable_until: string;
  decision?: OwnDecision;
}

/** What was decided against a comment, as its author sees it. */
export interface OwnDecision {
  state: "removed" | "held" | "edit_rejected" | "restored";
  reason: string | null;
  by: "person" | "rule";
  at: string;
  may_appeal: boolean;
  appeal?: "waiting" | "upheld" | "overturned";
}

/** A ban, as the banned reader sees it. */
export interface Ban {
  mode: "read" | "approval";
  until: string | null;
  reason: string | null;
  by: "person" | "rule";
  at: string;
  may_appeal: boolean;
  appeal?: "waiting" | "upheld" | "overturned";
}

/** A report of this reader, and what became of it. */
export interface OwnReport {
  comment: string;
  category: string | null;
  at: string;
  outcome: "waiting" | "removed" | "kept" | "gone";
}

/** An error report of this reader: a note to the editors about an error in the story. */
export interface Hint {
  id: string;
  at: string;
  /** Missing once the site has deleted the words. */
  text?: string;
  passage?: string;
  credit?: string;
  state: "open" | "accepted" | "declined";
  /** What the editors write to the reader. */
  answer?: string;
  /** Id of the correction that came of it. */
  correction?: string;
  decided_at?: string;
}

/** What a copy says if its text is older than the story's. */
export interface Older {
  /** When the story's text changed last, in milliseconds since 1970; null once the copy is up to date. */
  changed_at: number | null;
  url?: string;
}

/** What the publisher says afterwards about the text of a story. */
export interface Correction {
  id: string;
  at: string;
  kind: "correction" | "clarification" | "update" | "retraction";
  text: string;
  /** By language; `text` is for all others. */
  texts?: Record<string, string>;
  passage?: string;
  credit?: string;
  /** Then it has no text any more. */
  withdrawn_at?: string;
}

export interface Story {
  code: string;
  key: string;
  title: string | null;
  author: string | null;
  publisher: string | null;
  url: string | null;
  license: string;
  closed: boolean;
  notice: string | null;
  site: string;
  /** Linked translations, by language tag. */
  translations?: Record<string, { title: string; url: string }>;
  /** The newest first; missing if there is none. */
  corrections?: Correction[];
}

export interface Reaction {
  key: string;
  label: string;
  emoji: string;
  /** SVG path of the filled shape, path of the lines, fill colour; view box 24 × 24. */
  face?: [string, string, string];
  /** By language; `label` is for all others. */
  labels?: Record<string, string>;
}

export type FieldRule = "off" | "optional" | "required";

export interface Settings {
  prompt: string;
  prompts?: Record<string, string>;
  reactions: Reaction[];
  name: FieldRule;
  website: FieldRule;
  email: FieldRule;
  moderation: "post" | "pre";
  guidelines: string | null;
  guidelines_text?: TextNode[];
  guidelines_texts?: Record<string, TextNode[]>;
  /** SPDX id. */
  comment_licence?: string;
  calls_to_action?: { url: string; label: string; labels?: Record<string, string> }[];
  edit_window: number;
  max_length: number;
  show_copy: boolean;
  /** There if readers first see the comments of their own language. */
  discussion_languages?: "apart";
  /** `#rrggbb`; missing in messages of older servers, like `density`. */
  accent?: string | null;
  density?: number;
  /** Whether comments can be written; missing if the site has neither hours nor capacity. */
  mode?: Mode;
  /** When more is possible than now (RFC 3339). */
  opens_at?: string | null;
  closes_at?: string | null;
  /** The next changes of the mode. */
  edges?: { at: string; mode: Mode }[];
}

export type Mode = "open" | "approval" | "closed";

export interface Presence {
  readers: number;
  copies: number;
}

/** The copy that this page is. */
export interface OwnCopy {
  label: string | null;
  origin: string | null;
  /** Ids of comments that it does not show, nor their replies. */
  hidden?: string[];
}

export interface Snapshot {
  type: "snapshot";
  ref?: number;
  story: Story;
  position: Position;
  resumed: boolean;
  tally: Tally;
  presence: Presence;
  count: number;
  settings: Settings;
  comments?: { threads: Thread[]; next: string | null };
  changes?: Comment[];
  /** Newest tallies of the story and its comments. Only in polled snapshots. */
  tallies?: TallyMessage[];
  copy?: OwnCopy | null;
  can?: string[];
  /** What the copy may do when comments are open: only while they are closed for all. */
  granted?: string[];
  read_only?: string | null;
  mine?: {
    reaction: string | null;
    reactions?: Record<string, string>;
    comments?: OwnComment[];
    reports?: OwnReport[];
    hints?: Hint[];
  };
  ban?: Ban | null;
  reader?: string;
  /** Error code if the page's identity token was rejected. */
  identity?: string;
  older?: Older | null;
}

export interface TallyMessage extends Tally {
  type: "tally";
  story: string;
  comment?: string;
}

/** Server messages that are not replies. */
export type ServerMessage =
  | Snapshot
  | TallyMessage
  | { type: "comment"; story: string; position: Position; comment: Comment; count?: number }
  | {
      type: "story";
      story: string;
      position: Position;
      closed?: boolean;
      notice?: string | null;
      corrections?: Correction[];
      settings: Settings;
    }
  | ({ type: "copy.older"; story: string } & Older)
  | ({ type: "presence"; story: string } & Presence);

/** The reply to an action. */
export interface Ok {
  type: "ok";
  ref: number;
  story: string;
  comment?: OwnComment | string;
  hint?: Hint;
  tally?: Tally;
  reaction?: string | null;
  reader?: string;
  identity?: string;
  mine?: Snapshot["mine"];
  ban?: Ban | null;
}

export interface ErrorMessage {
  type: "error";
  ref?: number;
  code: string;
  detail: string;
  retry_after?: number;
}

/** Events of this page that change the state. */
export type StateEvent =
  | { type: "answered"; optimistic: NonNullable<State["optimistic"]>; tally: Tally }
  | { type: "own"; comment: OwnComment }
  | { type: "set"; change: Partial<State> };

/** What the element that was connected last says of itself and its reader. Set by `getDiscussion`. */
export interface Attributes {
  token: string | null;
  identity: string | null;
}

/** Functions that the live part adds to a discussion. */
export interface DiscussionApi extends Receiver, Attributes {
  /** Set by the part `connection`. */
  connection: Connection;
  /** Whether the socket is subscribed to this story and accepts actions. */
  live?: boolean;
  /** The reader token of the last subscription. */
  requestedReader?: string | undefined;
  /** Send an action. Rejects with the server's error. */
  mutate(action: { type: string; [field: string]: unknown }): Promise<Ok>;
  /** Called after each subscription that the server accepted. */
  onSubscribed(): void;
  /**
   * Send a reaction that is shown already. `target` is the story's code, or code and comment id. Resolves when the server
   * has stored the last choice for the target, after retries if necessary; rejects with the server's error.
   */
  setReaction(target: string, reaction: string | null): Promise<void>;
  /** Send reactions that were chosen before the page was left and have no reply yet. */
  resume(): void;
  /** Whether the same request may succeed later. */
  isTemporary(problem: { code: string }): boolean;
  /** Wait until there may be a connection again. */
  pause(): Promise<void>;
  /** Set the reader's own reaction to a comment in the state. */
  mark(comment: string, reaction: string | null): void;
  /** Fetch threads in an order: a state that has them as its list, with all that arrived meanwhile. */
  getThreads(order: State["order"], query: string): Promise<State>;
  /** Load the thread that contains a comment, or with `on` its next replies. A thread not loaded before is put first. */
  loadThread(id: string, on?: boolean): Promise<Thread>;
  /** Fetch changes over HTTP, with the page's new identity token if given. False if the server did not respond. */
  poll(identity?: string | null): Promise<boolean>;
  /** Process the fields for this reader only. True if the token was dropped and the story's code is used instead. */
  onPersonalAnswer(answer: {
    reader?: string;
    identity?: string;
    code?: string | undefined;
    detail?: string | undefined;
    read_only?: string | null;
  }): boolean;
}

/** Stories of a page that share one WebSocket: up to 50 of the same server. */
export interface Connection {
  server: string;
  stories: Set<import("./discussion").Discussion>;
  join(story: import("./discussion").Discussion): void;
  leave(story: import("./discussion").Discussion): void;
  request(message: { ref: number; [field: string]: unknown }): Promise<any>;
  /** Return a message number that is unique in this page. */
  nextRef(): number;
  /** Actions are sent one after the other: the reply to the first brings the reader token of the next. */
  actionChain: Promise<any>;
}

/** Functions that the part `connection` adds to a discussion: they process messages of the socket and replies to polls. */
export interface Receiver {
  /** Process the reply to a subscription. @param answer a snapshot or an error */
  subscribed(answer: any): void;
  /** Apply a server message, or keep it until `deferIncoming` is done, or the live part is loaded. */
  receive(message: any): void;
  /** End the discussion on this page with an error. */
  fail(error: DisplayError): void;
  /** Keep server messages back until `work` is done. It may apply the same comment with more fields. */
  deferIncoming<T>(work: () => Promise<T>): Promise<T>;
}

/** Error that is shown in place of the discussion. */
export interface DisplayError {
  code: string;
  detail?: string;
}

export interface State {
  /** Undefined before the first snapshot. */
  story?: Story;
  position?: Position;
  tally: Tally;
  presence: Presence;
  count: number;
  settings: Settings;
  threads: readonly Thread[];
  next: string | null;
  /** The last events that changed comments, for answers that were read before them. */
  recent?: readonly any[];
  /** Ids of comments that arrived while the reader was reading: in `threads`, not drawn. */
  unseen: readonly string[];
  can: readonly string[];
  granted?: readonly string[];
  /** This page's own copy; known on a socket, and if it hides comments. */
  copy?: OwnCopy | null;
  /** Set if the text of this copy is older than the story's. */
  older?: Older | null;
  /** Error code if this copy is read-only. */
  read_only?: string | null;
  /** Error code if the identity token was rejected. */
  identity?: string | null;
  /** Error code if the token was dropped and the story's code is used instead. */
  lapsed?: string;
  order: "newest" | "oldest" | "top";
  /** Author names that the reader muted. */
  muted: readonly string[];
  /** Query that asks for the threads of one language, or "". */
  only?: string;
  mine: {
    reaction: string | null;
    /** By comment id. */
    reactions: Readonly<Record<string, string | null>>;
    comments: Readonly<Record<string, OwnComment>>;
    reports?: readonly OwnReport[] | undefined;
    /** The newest first. */
    hints?: readonly Hint[] | undefined;
  };
  /** The ban of this reader. */
  ban?: Ban | null;
  /** A reaction without a reply yet, and the counts to show meanwhile. */
  optimistic?: { reaction: string | null; counts: Record<string, number> } | null;
  /** Whether the optimistic reaction has had no reply for a while. */
  late?: boolean;
  error?: DisplayError | null;
}
