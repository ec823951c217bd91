/**
 * An open Thing as a Yjs document that follows everybody's changes and stores one's own.
 *
 * Owns the document's way to the server and back: opening and resuming, the changes that are not stored yet, and,
 * where there is IndexedDB, a copy of the document that outlives the page. Knows nothing of what is drawn.
 */
import * as Y from 'yjs';
import { IndexeddbPersistence } from 'y-indexeddb';

import { fromBase64, toBase64 } from './base64.js';
import type { Edit, EditPush, Opened, Role } from './messages.js';
import { ConnectionLost, RequestError, type Message, type Stream } from './stream.js';

/**
 * - `opening`: what the server has is not here yet
 * - `live`: others' changes come as they are made, and one's own go out
 * - `offline`: there is no connection; changes are kept and go out later
 * - `ended`: the Thing may not be changed or seen any more; what is here can still be read and copied
 */
export type ThingState = 'opening' | 'live' | 'offline' | 'ended';

export interface ThingEvents {
  /** The state, the role or the count of unsaved changes is another. */
  change: LiveThing;
  /** A message about this Thing other than an edit, such as where somebody scrolls. */
  push: Message;
}

export interface ThingOptions {
  /** Keeps a copy in IndexedDB under this name; none where it is not given. */
  keepAs?: string;
}

/** Changes that the server has not confirmed. */
interface Pending {
  key: string;
  update: Uint8Array;
}

/** Changes that go together in one edit: well below what the server takes. */
const MOST_BYTES = 256 * 1024;

type Listener<T> = (value: T) => void;

export class LiveThing {
  readonly id: string;
  readonly doc = new Y.Doc();
  /** Resolves when there is something to show: the kept copy, or what the server has. */
  readonly ready: Promise<void>;
  readonly #stream: Stream;
  readonly #kept: IndexeddbPersistence | undefined;
  readonly #listeners = new Map<keyof ThingEvents, Set<Listener<never>>>();
  readonly #ends: Array<() => void> = [];
  #state: ThingState = 'opening';
  #role: Role | 'none' = 'viewer';
  #why: string | undefined;
  #join: number | undefined;
  #position: { epoch: string; offset: number } | undefined;
  /** What waits to be sent. */
  #queue: Uint8Array[] = [];
  /** What was sent. One at a time: what is typed meanwhile goes together in the next. */
  #sent: Pending | undefined;
  #settle: () => void = () => {};

  constructor(stream: Stream, id: string, options: ThingOptions = {}) {
    this.id = id;
    this.#stream = stream;
    const settled = new Promise<void>((resolve) => (this.#settle = resolve));
    this.#kept = options.keepAs ? new IndexeddbPersistence(options.keepAs, this.doc) : undefined;
    const kept = this.#kept?.whenSynced.then(() => this.doc.store.clients.size > 0 && this.#settle());
    this.ready = settled;
    this.doc.on('update', this.#changedHere);
    // The kept copy comes first: what was changed without a connection is found by comparing.
    void Promise.resolve(kept)
      .catch(() => {})
      .then(() => {
        if (this.#state === 'ended') return;
        this.#ends.push(
          stream.on('push', (message) => this.#receive(message)),
          stream.on('live', () => void this.#open()),
          stream.on('state', (state) => state !== 'live' && this.#offline()),
          stream.on('ended', ({ reason }) => this.#end(reason)),
        );
        if (stream.state === 'live') void this.#open();
        else if (stream.state === 'ended') this.#end('the stream has ended');
        else this.#offline();
      });
  }

  get state(): ThingState {
    return this.#state;
  }

  get role(): Role | 'none' {
    return this.#role;
  }

  /** Why it has ended, for people. */
  get why(): string | undefined {
    return this.#why;
  }

  /** How many changes made here the server has not stored yet. */
  get unsaved(): number {
    return this.#queue.length + (this.#sent ? 1 : 0);
  }

  /** The last change of the Thing that is known here, by its place in the log; 0 before it was opened. */
  get offset(): number {
    return this.#position?.offset ?? 0;
  }

  /** The `id` of the request that opened it: what others say about this opening carries it as `join`. */
  get join(): number | undefined {
    return this.#join;
  }

  on<K extends keyof ThingEvents>(event: K, listener: Listener<ThingEvents[K]>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    listeners.add(listener as Listener<never>);
    return () => listeners.delete(listener as Listener<never>);
  }

  /** Hears no more of it. What is not stored yet stays in the kept copy. */
  close(): void {
    if (this.#join !== undefined && this.#stream.state === 'live') {
      this.#stream.request('200 widgetApp_useraction_close', {}, this.id).catch(() => {});
    }
    this.#end('closed');
    void this.#kept?.destroy();
    this.doc.destroy();
  }

  /**
   * Hears no more of it, and gives what the server has not confirmed, for whoever stores it over HTTP: as bodies of
   * `edit`, whose keys see to it that nothing is stored twice. The document stays; the kept copy does not follow it.
   */
  leave(): Edit[] {
    this.#end('closed');
    this.doc.off('update', this.#changedHere);
    void this.#kept?.destroy();
    // What a page before this one could not send is known only by comparing with the server.
    if (!this.#position) this.#queue = [Y.encodeStateAsUpdate(this.doc)];
    const unsent = this.#sent ? [this.#sent] : [];
    while (this.#queue.length > 0) unsent.push(this.#next());
    return unsent.map(({ key, update }) => ({ key, update: toBase64(update) }));
  }

  /** Removes the kept copy from this device. */
  async forget(): Promise<void> {
    await this.#kept?.clearData();
  }

  async #open(): Promise<void> {
    this.#join = undefined;
    const since = this.#position;
    const body = since ? { as: 'yjs' as const, since } : { as: 'yjs' as const };
    let join: number | undefined;
    const mine = (id: number) => (this.#join = join = id);
    try {
      const reply = await this.#stream.ask('200 widgetApp_useraction_open', body, this.id, mine);
      // It may have been opened once more meanwhile.
      if (this.#join === join) this.#take(reply.body as Opened);
    } catch (error) {
      this.#failed(error, () => this.#open());
    }
  }

  #take(opened: Opened): void {
    this.#role = opened.role as Role;
    if (opened.recovered) {
      for (const missed of opened.missed ?? []) this.#apply((missed.body as EditPush).update);
    } else {
      const update = fromBase64(opened.update ?? '');
      Y.applyUpdate(this.doc, update, this);
      this.#compare(update);
    }
    this.#position = { epoch: opened.epoch, offset: opened.offset };
    this.#become('live');
    this.#settle();
    if (this.#sent) void this.#send(this.#sent);
    else this.#flush();
  }

  /** All that is here and not in the server's state has to be sent, whenever it was changed. */
  #compare(theirs: Uint8Array): void {
    const server = new Y.Doc();
    Y.applyUpdate(server, theirs);
    const same = Y.equalSnapshots(Y.snapshot(this.doc), Y.snapshot(server));
    this.#sent = undefined;
    this.#queue = same ? [] : [Y.encodeStateAsUpdate(this.doc, Y.encodeStateVector(server))];
    server.destroy();
  }

  #apply(update: string | undefined): void {
    if (update !== undefined) Y.applyUpdate(this.doc, fromBase64(update), this);
  }

  #receive(message: Message): void {
    if (message.thing !== this.id) return;
    if (message.port === 0 && message.name === 'access') {
      if (message.join === this.#join) this.#access((message.body as { role: Role | 'none' }).role);
      return;
    }
    if (message.join !== undefined && message.join !== this.#join) return;
    if (message.offset !== undefined && !this.#reached(message.offset)) return;
    // Whatever it is called: an edit, or an undo, a restored or a renamed Thing.
    const { update } = (message.body ?? {}) as Partial<EditPush>;
    if (message.offset !== undefined && update !== undefined) this.#apply(update);
    else this.#emit('push', message);
    if (message.name === 'widgetApp_useraction_delete') this.#end('the Thing was deleted');
  }

  /** Whether this change comes next. If one is missing, all of them are asked for. */
  #reached(offset: number): boolean {
    const position = this.#position;
    if (!position || offset <= position.offset) return false;
    if (offset !== position.offset + 1) {
      void this.#open();
      return false;
    }
    position.offset = offset;
    return true;
  }

  #access(role: Role | 'none'): void {
    this.#role = role;
    if (role === 'none') this.#end('the Thing is not shared with you any more');
    else this.#changed();
  }

  readonly #changedHere = (update: Uint8Array, origin: unknown): void => {
    if (origin === this || origin === this.#kept) return;
    this.#queue.push(update);
    // First on its way, then on the screen.
    this.#flush();
    this.#changed();
  };

  #flush(): void {
    if (this.#state !== 'live' || this.#sent || this.#queue.length === 0) return;
    this.#sent = this.#next();
    void this.#send(this.#sent);
  }

  /** What goes together in the next edit. */
  #next(): Pending {
    let [count, bytes] = [0, 0];
    while (count < this.#queue.length && (count === 0 || bytes + this.#queue[count]!.length <= MOST_BYTES)) {
      bytes += this.#queue[count++]!.length;
    }
    const together = this.#queue.splice(0, count);
    return { key: crypto.randomUUID(), update: count === 1 ? together[0]! : Y.mergeUpdates(together) };
  }

  async #send(pending: Pending): Promise<void> {
    const body = { key: pending.key, update: toBase64(pending.update) };
    try {
      const reply = await this.#stream.ask('200 widgetApp_useraction_edit', body, this.id);
      if (reply.offset !== undefined) this.#reached(reply.offset);
      if (this.#sent === pending) this.#sent = undefined;
      this.#changed();
      this.#flush();
    } catch (error) {
      if (this.#sent === pending) this.#failed(error, () => this.#send(pending));
    }
  }

  /** What the server refuses for good ends the Thing here: nothing that people made is thrown away silently. */
  #failed(error: unknown, again: () => Promise<void>): void {
    if (error instanceof ConnectionLost || this.#state === 'ended') return;
    if (error instanceof RequestError && !error.error.temporary) return this.#end(error.message);
    const wait = (error instanceof RequestError && error.error.retry_after_ms) || 1_000;
    setTimeout(() => this.#stream.state === 'live' && this.#state !== 'ended' && void again(), wait);
  }

  #offline(): void {
    this.#join = undefined;
    this.#become('offline');
  }

  #end(why: string): void {
    if (this.#state === 'ended') return;
    this.#why = why;
    this.#ends.splice(0).forEach((end) => end());
    this.#become('ended');
    this.#settle();
  }

  #become(state: ThingState): void {
    if (this.#state === 'ended') return;
    this.#state = state;
    this.#changed();
  }

  #changed(): void {
    this.#emit('change', this);
  }

  #emit<K extends keyof ThingEvents>(event: K, value: ThingEvents[K]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) (listener as Listener<ThingEvents[K]>)(value);
  }
}
