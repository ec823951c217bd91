/**
 * The parts of a Thing: what is read from the document, and every change that people make to it.
 *
 * Owns the shape of a part in the Yjs document. Knows nothing of the screen.
 */
import * as Y from 'yjs';
import { splice } from './diff.js';

export type Kind = 'box' | 'circle' | 'note';

export interface Part {
  id: string;
  kind: string;
  x: number;
  y: number;
  w: number;
  h: number;
  label: string;
  color: string;
}

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** Hears which parts were added, changed or taken away: once for each change of the document. */
export type PartsListener = (changed: ReadonlySet<string>) => void;

/** Changes with this origin are one's own: undo takes back these alone. */
export const OWN = { own: true };
export const SMALLEST = 8;

const NAMES: Record<string, string> = { box: 'Box', circle: 'Circle', note: 'Note' };
const DEFAULT_COLOR: Record<Kind, string> = { box: '#7a9e7e', circle: '#e0b354', note: '#f4e7a1' };

export class Parts {
  readonly doc: Y.Doc;
  readonly map: Y.Map<Y.Map<unknown>>;
  readonly meta: Y.Map<unknown>;
  readonly notes: Y.Text;
  readonly history: Y.UndoManager;
  /** What was read already: reading a part from the document costs more than drawing it. */
  readonly #read = new Map<string, Part>();
  readonly #listeners: PartsListener[] = [];

  constructor(doc: Y.Doc) {
    this.doc = doc;
    this.map = doc.getMap('parts');
    this.meta = doc.getMap('meta');
    this.notes = doc.getText('notes');
    this.history = new Y.UndoManager([this.map, this.meta, this.notes], { trackedOrigins: new Set([OWN]) });
    this.map.observeDeep((events) => {
      const changed = new Set<string>();
      for (const event of events) {
        const [id] = event.path;
        if (typeof id === 'string') changed.add(id);
        else for (const key of event.keys.keys()) changed.add(key);
      }
      for (const id of changed) this.#read.delete(id);
      for (const listener of this.#listeners) listener(changed);
    });
  }

  onChange(listener: PartsListener): void {
    this.#listeners.push(listener);
  }

  get title(): string {
    return text(this.meta.get('title'));
  }

  set title(title: string) {
    this.#change(() => replace(this.meta, 'title', title));
  }

  get(id: string): Part | undefined {
    const known = this.#read.get(id);
    if (known) return known;
    const part = this.map.get(id);
    if (!(part instanceof Y.Map)) return undefined;
    const read = {
      id,
      kind: text(part.get('kind')) || 'box',
      x: number(part.get('x'), 0),
      y: number(part.get('y'), 0),
      w: Math.max(SMALLEST, number(part.get('w'), 100)),
      h: Math.max(SMALLEST, number(part.get('h'), 60)),
      label: text(part.get('label')),
      color: text(part.get('color')),
    };
    this.#read.set(id, read);
    return read;
  }

  all(): Part[] {
    return [...this.map.keys()].map((id) => this.get(id)).filter((part) => part !== undefined);
  }

  add(kind: Kind, box: Box, label = ''): string {
    const id = crypto.randomUUID().slice(0, 8);
    this.#change(() => {
      const part = new Y.Map<unknown>();
      for (const [key, value] of Object.entries({ kind, ...rounded(box), color: DEFAULT_COLOR[kind] })) {
        part.set(key, value);
      }
      part.set('label', new Y.Text(label));
      this.map.set(id, part);
    });
    return id;
  }

  /** Sets what is given of several parts in one change. */
  place(boxes: Map<string, Partial<Box>>): void {
    this.#change(() => {
      for (const [id, box] of boxes) {
        const part = this.map.get(id);
        for (const [key, value] of Object.entries(rounded(box))) {
          if (part && part.get(key) !== value) part.set(key, value);
        }
      }
    });
  }

  move(ids: Iterable<string>, dx: number, dy: number): void {
    const boxes = new Map<string, Partial<Box>>();
    for (const id of ids) {
      const part = this.get(id);
      if (part) boxes.set(id, { x: part.x + dx, y: part.y + dy });
    }
    this.place(boxes);
  }

  label(id: string, label: string): void {
    this.#change(() => {
      const part = this.map.get(id);
      if (part) replace(part, 'label', label);
    });
  }

  color(ids: Iterable<string>, color: string): void {
    this.#change(() => {
      for (const id of ids) this.map.get(id)?.set('color', color);
    });
  }

  remove(ids: Iterable<string>): void {
    this.#change(() => {
      for (const id of ids) this.map.delete(id);
    });
  }

  /** Copies of parts, a little aside. */
  duplicate(ids: Iterable<string>): string[] {
    return [...ids].flatMap((id) => {
      const part = this.get(id);
      if (!part) return [];
      const copy = this.add(part.kind as Kind, { ...part, x: part.x + 16, y: part.y + 16 }, part.label);
      this.color([copy], part.color);
      return [copy];
    });
  }

  /** Makes the notes read like this by the smallest change, so that what others type at the same time stays. */
  writeNotes(value: string): void {
    this.#change(() => change(this.notes, value));
  }

  #change(change: () => void): void {
    this.doc.transact(change, OWN);
  }
}

/** How a part is called where it is not seen. */
export function nameOf({ kind, label }: Part): string {
  const named = NAMES[kind] ?? 'Part';
  return label ? `${named}: ${label}` : named;
}

/** Sets a text: changed where it is a shared one, else made one. */
function replace(map: Y.Map<unknown>, key: string, value: string): void {
  const present = map.get(key);
  if (present instanceof Y.Text) change(present, value);
  else map.set(key, key === 'title' ? value : new Y.Text(value));
}

/** Changes only what is between the common beginning and the common end. */
export function change(shared: Y.Text, value: string): void {
  const { start, end, text } = splice(shared.toString(), value);
  if (end > start) shared.delete(start, end - start);
  if (text) shared.insert(start, text);
}

function rounded<B extends Partial<Box>>(box: B): Partial<Box> {
  const entries = (['x', 'y', 'w', 'h'] as const).flatMap((key) => {
    const value = box[key];
    return value === undefined ? [] : [[key, Math.round(value * 10) / 10] as const];
  });
  return Object.fromEntries(entries);
}

function text(value: unknown): string {
  return value instanceof Y.Text || typeof value === 'string' ? value.toString() : '';
}

function number(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}
