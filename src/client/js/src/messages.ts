// Made by generate.mjs from the AsyncAPI document; `npm run generate` makes it anew.

/** Body of the push `access`: the user's role on an open Thing has changed. */
export type Access = {
  /** The role from now on; `none` ends it. */
  role: string;
  /** The Thing. */
  thing: string;
};

/** Body of the other pushes on port 200: who did it, and for `scroll` where they look. */
export type ActionPush = {
  /** The title of a Thing that was created. */
  title?: string;
  /** Who did it. */
  user: string;
  /** Where in the Thing they look. */
  view?: unknown;
};

/** A group of the receiver's may stream, or not any more: body of `approved` and `withdrawn`. */
export type Approval = {
  /** The group. */
  group: string;
};

/** Bytes: base64 text in JSON, a byte string in CBOR. */
export type Blob = string;

/** Reply to `rename`, `restore`, `undo` and `redo`: the change is stored. */
export type Changed = {
  /** The change's place in the Thing's log. */
  offset: number;
};

/** Reply to `history`. */
export type Changes = {
  /** The changes, the newest first. */
  changes: Array<PastChange>;
  /** Give it as `before` for the page after this; null on the last page. */
  next: number | null;
};

/** What a Thing contains. */
export type Content = {
  /** What is known of the Thing: `title`, `description`, and any others. */
  meta: Record<string, unknown>;
  /** A text for everything else. */
  notes: string;
  /** The parts by their ids. A part is an object with `kind`, `x`, `y`, `w`, `h`, `label`, `color`, and any others. */
  parts: Record<string, unknown>;
};

/** Body of `create`. */
export type Create = {
  content?: NewContent | null;
  /** The title of the new Thing. */
  title: string;
};

/** Reply to `create`. */
export type Created = {
  /** The offset of its first change. */
  offset: number;
  /** The id of the new Thing. */
  thing: string;
};

/** Where somebody points: body of the request `cursor`. */
export type Cursor = {
  /** The part that it is on. */
  part?: string | null;
  /** What is selected; others receive it as it is. */
  selection?: unknown;
  /** Across, in the Thing's own measure. */
  x: number;
  /** Down. */
  y: number;
};

/** A [`Cursor`] as others are told of it. */
export type CursorAt = {
  /** The part that it is on. */
  part?: string;
  /** What is selected. */
  selection?: unknown;
  /** Across. */
  x: number;
  /** Down. */
  y: number;
};

/** Somebody points elsewhere: body of the push `cursor`. */
export type CursorPush = {
  /** Their colour. */
  color: string;
  /** The connection. */
  id: string;
  /** The part that it is on. */
  part?: string;
  /** What is selected. */
  selection?: unknown;
  /** Who it is. */
  user: string;
  /** Across. */
  x: number;
  /** Down. */
  y: number;
};

/** Reply to `delete`. */
export type Deleted = {
  /** The deletion's place in the Thing's log, its last. */
  offset: number;
};

/** Body of the push `drain`: reconnect after this delay. */
export type Drain = {
  /** This client's own delay. */
  retry_after_ms: number;
};

/** Body of `edit`: exactly one of `patch` and `update`. */
export type Edit = {
  /** The client's own name for this edit, unique for that client; makes it safe to send again. */
  key: string;
  patch?: JsonPatch | null;
  update?: Blob | null;
};

/** Body of the push of an edit, and of an edit in `missed`; of `rename`, `restore`, `undo` and `redo` alike, which
 *  change the content too. */
export type EditPush = {
  /** JSON Patch, for those who opened the Thing `as: "json"`. */
  patch?: JsonPatch;
  /** Yjs update, for those who opened it `as: "yjs"`. */
  update?: Blob;
  /** Who made it. */
  user: string;
};

/** Reply to `edit`. */
export type Edited = {
  /** Always true: the reply comes only when the change is stored. */
  durable: boolean;
  /** The life of the log. */
  epoch: string;
  /** The edit's place in it. */
  offset: number;
  /** What the edit came to, if others' changes that its sender had not seen were merged with it: to be
   *  applied at the reply's place instead of what was sent. */
  patch?: JsonPatch;
};

/** The body of a reply that has nothing more to say. */
export type Empty = Record<string, never>;

/** Why a request failed; the `error` of a reply, and part of the body of HTTP errors. */
export type ErrorBody = {
  /** The number, from the table of codes. */
  code: number;
  /** What was wrong and what to do, for people. */
  message: string;
  /** The name that belongs to the number. */
  name: string;
  /** How long to wait before that. */
  retry_after_ms?: number;
  /** Whether the same request may succeed later. */
  temporary: boolean;
};

/** Reply to `refresh`, and body of the push `token_expiring`. */
export type ExpiresAt = {
  /** Seconds since 1970. */
  expires_at: number;
};

/** In which form an opened Thing and its changes are sent. */
export type Form = "json" | "yjs";

/** Body of `history`. */
export type History = {
  /** Only changes before this one: the `next` of the page before. */
  before?: number | null;
  /** Most changes to return. */
  limit?: number | null;
};

/** Body of `invite`: exactly one of `user` and `group`, of the caller's organisation. A role given before is replaced. */
export type Invite = {
  /** The name of a group: everyone in it, now and later. */
  group?: string | null;
  /** What they may do with the Thing from now on. */
  role: Role;
  /** The name of a user, or the id of an OAuth client. */
  user?: string | null;
};

/** A Thing is shared with the receiver, or in another role than before: body of `invited`. The Thing stands in the
 *  message's `thing`. */
export type Invited = {
  /** Who shared it. */
  by: string;
  /** The group of the receiver's with which it was shared, if not with them alone. */
  group?: string;
  /** What the receiver may do with it from now on. */
  role: string;
  /** Its title. */
  title: string;
};

/** Changes of a Thing's content, one after the other (RFC 6902). Paths point into the content: `/parts/lamp/x`. */
export type JsonPatch = Array<Operation>;

/** The body of a change that was missed. */
export type MissedBody = EditPush | ActionPush;

/** An entry of `missed`: a change as it would have been pushed. */
export type MissedPush = {
  /** The push's body. */
  body: MissedBody;
  /** The action's full name. */
  name: string;
  /** The change's place in the log. */
  offset: number;
  /** The port of this service. */
  port: number;
};

/** What a new Thing starts with, or what replaces all that is in it. */
export type NewContent = {
  /** What is known of the Thing: `title`, `description`, and any others. */
  meta?: Record<string, unknown> | null;
  /** A text for everything else. */
  notes?: string | null;
  /** The parts by their ids; each is an object. */
  parts?: Record<string, unknown> | null;
};

/** Body of the request `refresh`: a new token for the live connection. */
export type NewToken = {
  /** The access token that replaces the present one. It must be the same user's. */
  token: string;
};

/** What an operation does. */
export type Op = "add" | "remove" | "replace" | "move" | "copy" | "test";

/** Body of `open`. */
export type Open = {
  /** The form of the content and of all changes. */
  as?: Form;
  since?: Position | null;
};

/** Reply to `open`. */
export type Opened = {
  /** The whole content, for `as: "json"`. */
  content?: Content;
  /** The life of the log. */
  epoch: string;
  /** The changes after `since`, as they would have been pushed. */
  missed?: Array<MissedPush>;
  /** Everything up to here is in this reply. */
  offset: number;
  /** Whether `missed` is all that came after `since`; else the whole state is here. */
  recovered: boolean;
  /** What the caller may do with the Thing. */
  role: Role;
  /** The whole state as one Yjs update, for `as: "yjs"`. */
  update?: Blob;
};

/** One operation of a patch. */
export type Operation = {
  /** From where, for `move` and `copy`. */
  from?: string;
  /** What to do. */
  op: Op;
  /** Where, as JSON Pointer (RFC 6901). */
  path: string;
  /** What, for `add`, `replace` and `test`. */
  value?: unknown;
};

/** One change of a Thing's history. */
export type PastChange = {
  /** What they did: `create`, `edit`, `rename`, `restore`, `undo`, `redo` or `delete`. */
  action: string;
  /** When, in milliseconds since 1970. */
  at: number;
  /** The places in the content that changed, as JSON Pointers (RFC 6901), the first of them. Left out for what is
   *  too long ago to be told quickly. */
  changed?: Array<string>;
  /** Its place in the Thing's log; `restore` takes it. */
  offset: number;
  /** Who made it. */
  user: string;
};

/** A place in a Thing's log. */
export type Position = {
  /** Names the life of the log; it changes if the log had to start anew. Empty for the life that it has now. */
  epoch: string;
  /** Rises by one with each change. */
  offset: number;
};

/** Somebody who has the Thing open, by one connection: an entry of [`State`]; as body of `joined` and `left` it has no
 *  cursor. */
export type Present = {
  /** Their colour, `#rrggbb`: the same on all of their connections. */
  color: string;
  /** Where they point, if they have said that. */
  cursor?: CursorAt;
  /** The connection: the `session` of its welcome. */
  id: string;
  /** Who it is: a user's name or a client's id. */
  user: string;
};

/** Body of `refresh`. */
export type Refresh = {
  since?: Position | null;
};

/** Body of `rename`. */
export type Rename = {
  /** The client's own name for this change; makes it safe to send again over another connection. */
  key?: string | null;
  /** The title from now on. */
  title: string;
};

/** Body of `restore`. */
export type Restore = {
  /** The client's own name for this change; makes it safe to send again over another connection. */
  key?: string | null;
  /** The content becomes what it was after this change. */
  offset: number;
};

/** What someone may do with a Thing; each role includes those before it. */
export type Role = "viewer" | "editor" | "owner";

/** Body of `scroll`: a page of the home page's feed, or a place in a Thing for those who follow. */
export type Scroll = {
  /** Where the page before ended (its `next`). */
  cursor?: string | null;
  /** Most Things to return. */
  limit?: number | null;
  /** Where in the Thing the caller looks; collaborators receive it as it is. */
  view?: unknown;
};

/** Body of `search`. */
export type Search = {
  /** Most Things to return. */
  limit?: number | null;
  /** What to look for. */
  q: string;
};

/** Reply to `select`. */
export type Selected = {
  /** The content as JSON. */
  content: Content;
  /** The life of the log. */
  epoch: string;
  /** The content is as of this change. */
  offset: number;
  /** What the caller may do with it. */
  role: Role;
  /** Its title. */
  title: string;
};

/** Body of the pushes of `invite` and `uninvite`, for the other collaborators. */
export type SharePush = {
  /** In which role from now on; `none` ends the share. */
  role: string;
  /** Who did it. */
  user: string;
  /** With whom the Thing is shared. */
  with: SharedWith;
};

/** With whom a Thing is shared. */
export type SharedWith = {
  /** A user's name or a client's id. */
  user: string;
} | {
  /** A group's name. */
  group: string;
};

/** Everyone who has the Thing open, the receiver too: body of `state`. It replaces what was known. */
export type State = {
  /** How many more there are, of whom nothing is told. */
  others: number;
  /** Those who came first, in that order. */
  present: Array<Present>;
};

/** Body of the request and of the push `sync`. */
export type Sync = {
  /** One sync message of y-protocols: step 1, step 2 or an update. */
  data: Blob;
};

/** Reply to `sync`. */
export type Synced = {
  /** Step 2, in reply to step 1: what the sender lacks. */
  data?: Blob;
  /** All that was sent is stored. */
  durable?: boolean;
  /** In reply to step 2 or an update: the life of the log. */
  epoch?: string;
  /** The place in the log at which all that was sent is stored. */
  offset?: number;
};

/** One Thing in a list. */
export type ThingEntry = {
  /** When it was last changed, in milliseconds since 1970. */
  changed_at: number;
  /** What the caller may do with it. */
  role: Role;
  /** Its id. */
  thing: string;
  /** Its title. */
  title: string;
};

/** Reply to `scroll` of the feed and to `search`. */
export type Things = {
  /** Give it as `cursor` for the page after this; null on the last page. */
  next: string | null;
  /** The Things, the newest or the best first. */
  things: Array<ThingEntry>;
};

/** Body of `undo` and `redo`. */
export type Undo = {
  /** Only changes before this one, and what was taken back of them: for a program that takes back by itself what it
   *  has done since. */
  before?: number | null;
  /** The client's own name for this change; makes it safe to send again over another connection. */
  key?: string | null;
};

/** Body of `uninvite`: exactly one of `user` and `group`. */
export type Uninvite = {
  /** The name of a group. */
  group?: string | null;
  /** The name of a user, or the id of an OAuth client. */
  user?: string | null;
};

/** A share is ended: body of `uninvited`. */
export type Uninvited = {
  /** Who ended it. */
  by: string;
  /** The group of the receiver's with which it was shared, if not with them alone. */
  group?: string;
  /** What the receiver may still do with it by another share; `none` without one. */
  role: string;
};

/** The first message of the server, named `welcome`. */
export type Welcome = {
  /** When the access token expires, in seconds since 1970. */
  expires_at: number;
  /** Largest message that the client may send. */
  max_frame_bytes: number;
  /** Things that may be open at once. */
  max_things: number;
  /** The machine. */
  node: string;
  /** Their organisation. */
  organisation: string;
  /** How often the server pings. */
  ping_ms: number;
  /** How long it waits for the answer. */
  pong_ms: number;
  /** The services of this connection: name to port. */
  ports: Record<string, number>;
  /** This connection, unguessable. */
  session: string;
  /** The SFE instance that runs the session. */
  sfe: string;
  /** The process that holds the websocket. */
  stream: string;
  /** Who is connected: a user's name or a client's id. */
  user: string;
};

/** What can be asked, as `PORT NAME`: the body of the request, and that of its reply. */
export interface Requests {
  '200 widgetApp_useraction_close': { request: Record<string, never>; reply: Empty };
  '200 widgetApp_useraction_create': { request: Create; reply: Created };
  '202 cursor': { request: Cursor; reply: Empty };
  '200 widgetApp_useraction_delete': { request: Record<string, never>; reply: Deleted };
  '200 widgetApp_useraction_edit': { request: Edit; reply: Edited };
  '200 widgetApp_useraction_history': { request: History; reply: Changes };
  '200 widgetApp_useraction_invite': { request: Invite; reply: Empty };
  '200 widgetApp_useraction_open': { request: Open; reply: Opened };
  '0 ping': { request: Record<string, never>; reply: Empty };
  '200 widgetApp_useraction_redo': { request: Undo; reply: Changed };
  '0 refresh': { request: NewToken; reply: ExpiresAt };
  '200 widgetApp_useraction_refresh': { request: Refresh; reply: Opened };
  '200 widgetApp_useraction_rename': { request: Rename; reply: Changed };
  '200 widgetApp_useraction_restore': { request: Restore; reply: Changed };
  '200 widgetApp_useraction_scroll': { request: Scroll; reply: Things | Empty };
  '200 widgetApp_useraction_search': { request: Search; reply: Things };
  '200 widgetApp_useraction_select': { request: Record<string, never>; reply: Selected };
  '201 sync': { request: Sync; reply: Synced };
  '200 widgetApp_useraction_undo': { request: Undo; reply: Changed };
  '200 widgetApp_useraction_uninvite': { request: Uninvite; reply: Empty };
}

/** What the server tells unasked, as `PORT NAME`: the body. */
export interface Pushes {
  '0 access': Access;
  '203 approved': Approval;
  '200 widgetApp_useraction_create': {
    /** The title of a Thing that was created. */
    title: string | null;
    /** Who did it. */
    user: string;
  };
  '202 cursor': CursorPush;
  '200 widgetApp_useraction_delete': {
    /** Who did it. */
    user: string;
  };
  '0 drain': Drain;
  '200 widgetApp_useraction_edit': EditPush;
  '200 widgetApp_useraction_invite': SharePush;
  '203 invited': Invited;
  '202 joined': {
    /** Their colour, `#rrggbb`: the same on all of their connections. */
    color: string;
    /** The connection: the `session` of its welcome. */
    id: string;
    /** Who it is: a user's name or a client's id. */
    user: string;
  };
  '202 left': {
    /** Their colour, `#rrggbb`: the same on all of their connections. */
    color: string;
    /** The connection: the `session` of its welcome. */
    id: string;
    /** Who it is: a user's name or a client's id. */
    user: string;
  };
  '200 widgetApp_useraction_redo': EditPush;
  '200 widgetApp_useraction_refresh': {
    /** Who did it. */
    user: string;
  };
  '200 widgetApp_useraction_rename': EditPush;
  '200 widgetApp_useraction_restore': EditPush;
  '200 widgetApp_useraction_scroll': {
    /** Who did it. */
    user: string;
    /** Where in the Thing they look. */
    view: unknown;
  };
  '200 widgetApp_useraction_select': {
    /** Who did it. */
    user: string;
  };
  '202 state': State;
  '201 sync': Sync;
  '0 token_expiring': ExpiresAt;
  '200 widgetApp_useraction_undo': EditPush;
  '200 widgetApp_useraction_uninvite': SharePush;
  '203 uninvited': Uninvited;
  '0 welcome': Welcome;
  '203 withdrawn': Approval;
}
