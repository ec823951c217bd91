/**
 * Who else has a Thing open, and where they point. Nothing of it is stored: it begins anew with each connection.
 */
import type { Cursor } from './messages.js';
import type { Stream, Message } from './stream.js';
import type { LiveThing } from './thing.js';

export interface Person {
  /** Their connection. */
  id: string;
  user: string;
  /** `#rrggbb`, the same on all of their connections. */
  color: string;
  cursor?: Cursor;
}

/** Cursors are sent at most so often: as often as a screen could show them. */
const BETWEEN_CURSORS_MS = 33;

export class Presence {
  /** Everyone but this connection, by connection. */
  readonly people = new Map<string, Person>();
  /** How many more there are, of whom nothing is told. */
  others = 0;
  readonly #stream: Stream;
  readonly #thing: LiveThing;
  readonly #listeners = new Set<(moved?: string) => void>();
  readonly #ends: Array<() => void>;
  #cursor: Cursor | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sentAt = 0;

  constructor(stream: Stream, thing: LiveThing) {
    this.#stream = stream;
    this.#thing = thing;
    this.#ends = [
      stream.on('push', (message) => this.#receive(message)),
      thing.on('change', () => thing.state !== 'live' && this.people.size > 0 && this.#gone()),
    ];
  }

  /** Calls `listener` whenever somebody points elsewhere, with their `id`, and without when somebody comes or goes. */
  onChange(listener: (moved?: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Says where we point. Of what comes too fast the last counts. */
  point(cursor: Cursor): void {
    this.#cursor = cursor;
    const wait = this.#sentAt + BETWEEN_CURSORS_MS - performance.now();
    this.#timer ??= setTimeout(() => this.#send(), Math.max(0, wait));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#ends.forEach((end) => end());
    this.#gone();
  }

  #send(): void {
    this.#timer = undefined;
    this.#sentAt = performance.now();
    if (this.#thing.state !== 'live' || !this.#cursor) return;
    this.#stream.tell('202 cursor', this.#cursor, this.#thing.id);
  }

  #receive(message: Message): void {
    if (message.port !== 202 || message.thing !== this.#thing.id || message.join !== this.#thing.join) return;
    const body = message.body as Person & Cursor & { present: Person[]; others: number };
    switch (message.name) {
      case 'state':
        this.people.clear();
        body.present.forEach((person) => this.#put(person));
        this.others = body.others;
        break;
      case 'joined':
        this.#put(body);
        break;
      case 'left':
        this.people.delete(body.id);
        break;
      case 'cursor': {
        const { id, user, color, ...cursor } = body;
        const isKnown = this.people.get(id)?.cursor !== undefined;
        this.#put({ id, user, color, cursor });
        return this.#changed(isKnown ? id : undefined);
      }
    }
    this.#changed();
  }

  #put(person: Person): void {
    if (person.id !== this.#stream.welcome?.session) this.people.set(person.id, person);
  }

  #gone(): void {
    this.people.clear();
    this.others = 0;
    this.#changed();
  }

  #changed(moved?: string): void {
    for (const listener of [...this.#listeners]) listener(moved);
  }
}
