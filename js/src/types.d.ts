/** What the server sends (docs/protocol.md) and what the embed keeps of it. */

/** A piece of a comment's text: a string, or `[tag, attributes or null, ...pieces]`. */
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
  /** `seq` at which it was published: its place; 0 as long as only its author sees it. */
  published_seq: number;
  state: "published" | "pending" | "removed";
  text: TextNode[];
  author: { name: string | null; website: string | null; role: string | null; vouched?: boolean } | null;
  copy: { label: string | null; origin: string | null } | null;
  lang: string | null;
  created_at: string;
  edited_at: string | null;
  pinned: boolean;
  tally: Tally;
  /** An edit of it waits for a moderator. */
  waiting?: boolean;
}

/** A top comment with some of its replies in order of writing: `earlier` lie before them, `more` after `next`. */
export interface Thread extends Comment {
  replies: Comment[];
  more: number;
  next: string | null;
  earlier?: number;
}

/** A comment as only its author gets it. */
export interface OwnComment extends Comment {
  body: string;
  editable_until: string;
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
}

export interface Reaction {
  key: string;
  label: string;
  emoji: string;
  /** The filled shape, the lines on it, the shape's colour: paths in a square of 24. */
  face?: [string, string, string];
}

export type FieldRule = "off" | "optional" | "required";

export interface Settings {
  prompt: string;
  reactions: Reaction[];
  name: FieldRule;
  website: FieldRule;
  email: FieldRule;
  moderation: "post" | "pre";
  guidelines: string | null;
  edit_window: number;
  max_length: number;
  show_copy: boolean;
}

export interface Presence {
  readers: number;
  copies: number;
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
  /** The latest of the story and its comments, where they are polled. */
  tallies?: TallyMessage[];
  copy?: { label: string | null; origin: string | null } | null;
  can?: string[];
  read_only?: string | null;
  mine?: {
    reaction: string | null;
    reactions?: Record<string, string>;
    comments?: OwnComment[];
  };
  reader?: string;
  /** Why the reader is not signed in, though the page said who they are: an error code. */
  identity?: string;
}

export interface TallyMessage extends Tally {
  type: "tally";
  story: string;
  comment?: string;
}

/** What comes without being asked for. */
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
      settings: Settings;
    }
  | ({ type: "presence"; story: string } & Presence);

/** The answer to an action. */
export interface Ok {
  type: "ok";
  ref: number;
  story: string;
  comment?: OwnComment | string;
  tally?: Tally;
  reaction?: string | null;
  reader?: string;
  identity?: string;
}

export interface ErrorMessage {
  type: "error";
  ref?: number;
  code: string;
  detail: string;
  retry_after?: number;
}

/** What the reader does, and what comes of it. */
export type StateEvent =
  | { type: "answered"; optimistic: NonNullable<State["optimistic"]>; tally: Tally }
  | { type: "own"; comment: OwnComment }
  | { type: "set"; change: Partial<State> };

/** What a reader can do in a story, once the part for it is there. */
export interface DiscussionApi extends Receiver {
  /** Not before the part for it is there. */
  connection: Connection;
  /** Whether the socket takes actions. */
  live?: boolean;
  /** The reader as whom it was last subscribed to. */
  requestedReader?: string | undefined;
  /** Sends an action. Rejects with a refusal. */
  mutate(action: { type: string; [field: string]: unknown }): Promise<Ok>;
  /** Called after each subscription that the server accepted. */
  onSubscribed(): void;
  /**
   * A reaction that is shown already, to the story (its code) or one of its comments (code and id). Resolves when the
   * server has the last choice for that target, however long it takes; rejects with a refusal.
   */
  setReaction(target: string, reaction: string | null): Promise<void>;
  /** Goes on with choices that were made before the page was left. */
  resume(): void;
  /** Whether what could not be done can be done later, as it is. */
  isTemporary(problem: { code: string }): boolean;
  /** Until there may be a connection again. */
  pause(): Promise<void>;
  /** Shows the reader's own reaction to a comment. */
  mark(comment: string, reaction: string | null): void;
  /** Some of its comments: `which` is a path or a query. */
  get(which: string): Promise<any>;
  /** The thread of a comment from where it is shown, or what follows of a thread; one from far down comes first. */
  loadThread(id: string, on?: boolean): Promise<Thread>;
  /** Asks for what changed, as the reader whom the page now names. False if the server did not answer. */
  poll(identity?: string | null): Promise<boolean>;
  /** Nothing is kept in the reader's browser any more. */
  forget(): void;
  /** What is said to this reader alone. True if the story goes on by its bare code. */
  onPersonalAnswer(answer: {
    reader?: string;
    identity?: string;
    code?: string | undefined;
    detail?: string | undefined;
    read_only?: string | null;
  }): boolean;
  /** Begins anew, as someone else. */
  rejoin(): void;
}

/** The stories of a page that share a socket: all of one server, up to fifty. */
export interface Connection {
  server: string;
  stories: Set<import("./discussion").Discussion>;
  join(story: import("./discussion").Discussion): void;
  leave(story: import("./discussion").Discussion): void;
  request(message: { ref: number; [field: string]: unknown }): Promise<any>;
  /** A number no other message of this page has. */
  nextRef(): number;
  /** Actions go one after the other: the answer to the first names the reader of the next. */
  actionChain: Promise<any>;
}

/** What a story on a socket does with messages, once the part for sockets is there. */
export interface Receiver {
  /** @param answer a snapshot or a refusal */
  subscribed(answer: any): void;
  /** Apply a server message, or keep it until `deferIncoming` is done. */
  receive(message: any): void;
  /** Keep server messages back until `work` is done. It may apply the same comment with more fields. */
  deferIncoming<T>(work: () => Promise<T>): Promise<T>;
}

/** Why there is nothing to show, or nothing more. */
export interface DisplayError {
  code: string;
  detail?: string;
}

export interface State {
  /** Not before the first snapshot. */
  story?: Story;
  position?: Position;
  tally: Tally;
  presence: Presence;
  count: number;
  settings: Settings;
  threads: readonly Thread[];
  next: string | null;
  /** Ids of comments that came while the reader was reading: known, not drawn. */
  unseen: readonly string[];
  can: readonly string[];
  /** The copy that this page is, known on a socket. */
  copy?: Comment["copy"];
  /** Why this copy can only be read, as an error code. */
  read_only?: string | null;
  /** Why the reader is not signed in, as an error code. */
  identity?: string | null;
  /** Why the token is not used, and the bare code is. */
  lapsed?: string;
  order: "newest" | "oldest" | "top";
  /** Names that this reader does not want to read. */
  muted: readonly string[];
  /** What the reader chose to see: of a language, of a copy. */
  filter: (comment: Comment) => boolean;
  mine: {
    reaction: string | null;
    /** By comment. */
    reactions: Readonly<Record<string, string | null>>;
    comments: Readonly<Record<string, { body: string; editable_until: string }>>;
  };
  /** A reaction on its way: what to show until the server has answered. */
  optimistic?: { reaction: string | null; counts: Record<string, number> } | null;
  /** It has had no answer for a while. */
  late?: boolean;
  error?: DisplayError | null;
}
