/**
 * A Thing for somebody whose group does not stream: the same document, saved by HTTP as people worked before there
 * was live editing. Others' changes come when it is saved or opened.
 */
import * as Y from 'yjs';
import type { Edit } from '@widgetapp/client';

import { Refused, post } from '../ajax.js';
import { type Content, contentOf } from '../content.js';
import { toBase64 } from '../../../../client/js/src/base64.js';
import type { KeptCopy } from '../kept-copy.js';
import { diff, type Json, merged, type Operation } from './diff.js';
import type { OpenThing } from './open-thing.js';
import { change } from './parts.js';

interface State {
  role: string;
  epoch: string;
  offset: number;
  content: Content;
}

/** What was live until now. */
export interface Left {
  doc: Y.Doc;
  role: string;
  /** What the server may not have yet. */
  unsent: Edit[];
  /** Why it is not live any more, for people. */
  why?: string;
  /** Removes what this device keeps of it. */
  forget(): Promise<void>;
}

/** A copy that this device keeps from when it was live. What was done without a network then may be in it alone. */
type Kept = () => Promise<KeptCopy | undefined>;

/** A change on its way to the server: as long as no answer came, it is sent again, under the same key. */
interface Unsent {
  edit: Edit;
  /** For how many changes it stands. */
  count: number;
  /** What the content was that it leads to, if it was found by comparing. */
  content?: Content;
}

const GONE = 'the Thing is not shared with you any more, or was deleted';
const UNKEPT = 'Keep this page open: what you do is saved when the connection is back.';
const SAVE_AFTER_MS = 500;
const TRY_AGAIN_AFTER_MS = 3_000;

export class AloneThing implements OpenThing {
  readonly doc: Y.Doc;
  /** Resolves when it was asked for, whatever came of it. */
  readonly ready: Promise<void>;
  state: OpenThing['state'];
  role: string;
  unsaved: number;
  offset = 0;
  readonly #id: string;
  #why: string | undefined;
  #left: Left | undefined;
  #kept: Kept | undefined;
  readonly #listeners = new Set<() => void>();
  /** The content that the server and this page both know, to compare with. */
  #known: Content;
  readonly #unsent: Unsent[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;

  constructor(id: string, { left, kept }: { left?: Left; kept?: Kept }) {
    this.#id = id;
    this.#left = left;
    this.#kept = kept;
    this.doc = left?.doc ?? new Y.Doc();
    [this.state, this.role, this.#why] = left ? ['alone', left.role, left.why] : ['opening', 'viewer', undefined];
    this.#unsent = (left?.unsent ?? []).map((edit) => ({ edit, count: 1 }));
    this.unsaved = this.#unsent.length;
    this.#known = contentOf(this.doc);
    this.doc.on('update', (_update: Uint8Array, origin: unknown) => {
      if (origin === this) return;
      this.unsaved += 1;
      this.#changed();
      this.#later(SAVE_AFTER_MS);
    });
    this.ready = this.#sync();
  }

  get why(): string | undefined {
    return this.state === 'offline' ? UNKEPT : this.#why;
  }

  on(_event: 'change', listener: () => void): void {
    this.#listeners.add(listener);
  }

  refresh(): void {
    this.#later(0);
  }

  async forget(): Promise<void> {
    const left = this.#left;
    this.#left = undefined;
    await left?.forget().catch(() => {});
  }

  #later(wait: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#sync();
    }, wait);
  }

  async #sync(): Promise<void> {
    if (this.#busy || this.#over()) return;
    this.#busy = true;
    try {
      await this.#save();
      this.state = 'alone';
    } catch (error) {
      this.#failed(error);
    }
    this.#busy = false;
    this.#changed();
    if (this.state === 'offline') this.#later(TRY_AGAIN_AFTER_MS);
    else if (this.unsaved > 0 && !this.#over()) this.#later(0);
  }

  async #save(): Promise<void> {
    await this.#bringBack();
    await this.#store();
    await this.forget();
    this.#bring(await post<State>('select', { thing: this.#id }));
    const content = contentOf(this.doc);
    const patch = diff(this.#known, content);
    if (patch.length > 0) {
      this.#unsent.push({ edit: { key: crypto.randomUUID(), patch }, count: this.unsaved, content });
      await this.#store();
    } else {
      this.unsaved = 0;
    }
  }

  /** Merged with what the server has, the copy adds what is new there. Where it is refused, it stays where it is. */
  async #bringBack(): Promise<void> {
    const copy = await this.#kept?.().catch(() => undefined);
    if (copy) {
      const update = toBase64(Y.encodeStateAsUpdate(copy.doc));
      const stored = post('edit', { thing: this.#id, key: crypto.randomUUID(), update });
      await stored.then(() => copy.forget(), (error: Refused) => {
        if (!isFinal(error)) throw error;
      });
    }
    this.#kept = undefined;
  }

  async #store(): Promise<void> {
    for (let next = this.#unsent[0]; next; next = this.#unsent[0]) {
      const { offset } = await post<{ offset: number }>('edit', { thing: this.#id, ...next.edit });
      this.#unsent.shift();
      this.unsaved -= next.count;
      this.offset = offset;
      this.#known = next.content ?? this.#known;
    }
  }

  /** Makes the document what the server has, with what was done here since both knew the same. */
  #bring({ role, content, offset }: State): void {
    const [known, here] = [this.#known, contentOf(this.doc)];
    [this.role, this.#known, this.offset] = [role, content, offset];
    const theirs = diff(known, content);
    if (theirs.length === 0) return;
    const operations = [...theirs, ...diff(known, here)].filter(({ path }) => path !== '/notes');
    this.doc.transact(() => {
      operations.forEach((operation) => apply(this.doc, operation));
      change(this.doc.getText('notes'), merged(known.notes, content.notes, here.notes));
    }, this);
  }

  #failed(error: unknown): void {
    const refused = error instanceof Refused && isFinal(error);
    this.state = refused ? 'ended' : 'offline';
    if (refused) this.#why = error.code === 'thing_not_found' ? GONE : error.message;
  }

  #over(): boolean {
    return this.state === 'ended';
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Whether it is of no use to try again. */
function isFinal({ status }: Refused): boolean {
  return status >= 400 && status < 500 && status !== 429;
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
