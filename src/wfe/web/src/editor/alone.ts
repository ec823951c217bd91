/**
 * A Thing for somebody whose group does not stream: the same document, saved by HTTP as people worked before there
 * was live editing. Others' changes come when it is saved or opened.
 */
import * as Y from 'yjs';

import { Refused, post } from '../ajax.js';
import { type Content, contentOf } from '../content.js';
import { diff, type Json, merged, type Operation } from './diff.js';
import type { OpenThing } from './open-thing.js';
import { change } from './parts.js';

interface State {
  role: string;
  epoch: string;
  offset: number;
  content: Content;
}

const SAVE_AFTER_MS = 500;
const TRY_AGAIN_AFTER_MS = 3_000;

export class AloneThing implements OpenThing {
  readonly doc = new Y.Doc();
  readonly ready: Promise<void>;
  state = 'opening' as OpenThing['state'];
  role = 'viewer';
  why: string | undefined;
  unsaved = 0;
  readonly #id: string;
  readonly #listeners = new Set<() => void>();
  #stored: Content = { meta: {}, parts: {}, notes: '' };
  #offset = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saving = false;

  constructor(id: string) {
    this.#id = id;
    this.ready = this.#open();
    this.doc.on('update', (_update: Uint8Array, origin: unknown) => {
      if (origin === this) return;
      this.unsaved += 1;
      this.#changed();
      this.#later(SAVE_AFTER_MS);
    });
  }

  on(_event: 'change', listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Nothing of it is kept. */
  async forget(): Promise<void> {}

  async #open(): Promise<void> {
    try {
      this.#bring(contentOf(this.doc), await post<State>('select', { thing: this.#id }));
      this.state = 'alone';
    } catch (error) {
      this.#failed(error);
    }
    this.#changed();
  }

  /** Makes the document what the server has, with what was done here since this was `sent`. */
  #bring(sent: Content, { role, content, offset }: State): void {
    const here = contentOf(this.doc);
    [this.role, this.#stored, this.#offset] = [role, content, offset];
    const operations = [...diff(sent, content), ...diff(sent, here)].filter(({ path }) => path !== '/notes');
    this.doc.transact(() => {
      if (diff(sent, content).length > 0) operations.forEach((operation) => apply(this.doc, operation));
      change(this.doc.getText('notes'), merged(sent.notes, content.notes, here.notes));
    }, this);
  }

  #later(wait: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#save();
    }, wait);
  }

  async #save(): Promise<void> {
    if (this.#saving || this.#over()) return;
    this.#saving = true;
    const [count, sent] = [this.unsaved, contentOf(this.doc)];
    const patch = diff(this.#stored, sent);
    try {
      if (patch.length > 0) {
        await post('edit', { thing: this.#id, key: crypto.randomUUID(), patch, offset: this.#offset });
      }
      const stored = await post<State>('select', { thing: this.#id });
      this.#bring(sent, stored);
      this.unsaved -= count;
      this.state = 'alone';
    } catch (error) {
      this.#failed(error);
    }
    this.#saving = false;
    this.#changed();
    if (this.unsaved > 0 && !this.#over()) this.#later(this.state === 'offline' ? TRY_AGAIN_AFTER_MS : 0);
  }

  #failed(error: unknown): void {
    const refused = error instanceof Refused && error.status >= 400 && error.status < 500 && error.status !== 429;
    this.state = refused ? 'ended' : 'offline';
    this.why = refused ? (error as Refused).message : undefined;
  }

  #over(): boolean {
    return this.state === 'ended';
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function apply(doc: Y.Doc, { op, path, value }: Operation): void {
  const [root, ...rest] = path.split('/').slice(1).map(unescape);
  let map: Y.Map<unknown> | undefined = doc.getMap(root);
  const key = rest.pop()!;
  for (const step of rest) map = map?.get(step) as Y.Map<unknown> | undefined;
  // A part that the others have deleted stays deleted.
  if (!map) return;
  if (op === 'remove') map.delete(key);
  else if (root === 'parts' && rest.length === 0) map.set(key, toPart(value as Record<string, Json>));
  else map.set(key, value);
}

function toPart(value: Record<string, Json>): Y.Map<unknown> {
  return new Y.Map(Object.entries(value));
}

const unescape = (step: string) => step.replaceAll('~1', '/').replaceAll('~0', '~');
