/** The other people: who is here, their cursors and selections on the canvas, and following one of them. */
import type { Person, Presence } from '@widgetapp/client';

import { element, set, svg } from '../dom.js';
import type { Canvas, Redrawn } from './canvas.js';
import type { Parts } from './parts.js';
import type { View } from './view.js';

interface Drawn {
  cursor: SVGGElement;
  selection: SVGGElement;
  /** The ids of the parts that have a frame. */
  framed: string[];
}

/** Parts of one person's selection that get a frame. */
const MOST_FRAMED = 50;

export class People {
  readonly #presence: Presence;
  readonly #canvas: Canvas;
  readonly #parts: Parts;
  readonly #view: View;
  readonly #list: HTMLElement;
  readonly #drawn = new Map<string, Drawn>();
  /** Who has pointed elsewhere since the last drawing, and whether somebody has come or gone. */
  readonly #moved = new Set<string>();
  #others = true;
  #isOver = false;
  #isLive = false;
  #followed: string | undefined;

  constructor(presence: Presence, canvas: Canvas, parts: Parts, view: View, list: HTMLElement) {
    this.#presence = presence;
    this.#canvas = canvas;
    this.#parts = parts;
    this.#view = view;
    this.#list = list;
    canvas.afterDrawing((redrawn) => this.#draw(redrawn));
    presence.onChange((moved) => {
      if (moved === undefined) this.#others = true;
      else this.#moved.add(moved);
      if (moved === undefined || moved === this.#followed) this.#follow();
      canvas.schedule();
    });
    canvas.schedule();
  }

  /** Whoever moves the view themselves follows nobody any more. */
  stopFollowing(): void {
    if (this.#followed !== undefined) this.#choose(undefined);
  }

  /** Whether there is a connection that tells of the others. */
  set isLive(isLive: boolean) {
    if (isLive === this.#isLive) return;
    this.#isLive = isLive;
    this.#others = true;
    this.#canvas.schedule();
  }

  /** Shows nobody any more. */
  close(): void {
    this.#isOver = true;
    this.#canvas.overlay.replaceChildren();
  }

  #choose(id: string | undefined): void {
    this.#followed = id;
    this.#follow();
    this.#others = true;
    this.#canvas.schedule();
  }

  #follow(): void {
    const cursor = this.#followed === undefined ? undefined : this.#presence.people.get(this.#followed)?.cursor;
    if (!cursor) return;
    const { width, height } = this.#canvas.size;
    this.#view.x = cursor.x - width / 2 / this.#view.zoom;
    this.#view.y = cursor.y - height / 2 / this.#view.zoom;
  }

  #draw({ parts, view }: Redrawn): void {
    if (this.#isOver) return;
    const { people } = this.#presence;
    if (this.#others) this.#meet();
    for (const person of people.values()) {
      const moved = view || this.#others || this.#moved.has(person.id);
      const reframed = moved || this.#drawn.get(person.id)?.framed.some((id) => parts.has(id));
      if (!person.cursor || !reframed) continue;
      const drawn = this.#drawn.get(person.id) ?? this.#add(person);
      const { x, y } = this.#view.toScreen(person.cursor);
      if (moved) set(drawn.cursor, { transform: `translate(${x} ${y})` });
      const framed = Array.isArray(person.cursor.selection) ? person.cursor.selection.slice(0, MOST_FRAMED).map(String) : [];
      if (framed.length + drawn.framed.length > 0) this.#frame(drawn, framed, person.color);
    }
    this.#moved.clear();
    this.#others = false;
  }

  /** Somebody has come or gone, or another is followed. */
  #meet(): void {
    const { people, others } = this.#presence;
    if (this.#followed !== undefined && !people.has(this.#followed)) this.#followed = undefined;
    for (const [id, drawn] of this.#drawn) {
      if (people.get(id)?.cursor) continue;
      drawn.cursor.remove();
      drawn.selection.remove();
      this.#drawn.delete(id);
    }
    const focused = document.activeElement?.getAttribute('data-person');
    this.#list.replaceChildren(...[...people.values()].map((person) => this.#entry(person)));
    if (others > 0) this.#list.append(element('li', {}, `and ${others} more`));
    const nobody = this.#isLive ? 'Nobody else is here' : 'You do not see the others now';
    if (people.size === 0) this.#list.append(element('li', { class: 'nobody' }, nobody));
    if (focused) this.#list.querySelector<HTMLElement>(`[data-person="${CSS.escape(focused)}"]`)?.focus();
  }

  #entry({ id, user, color }: Person): HTMLLIElement {
    const followed = id === this.#followed;
    const title = followed ? 'Stop following' : 'Follow';
    const button = element('button', { type: 'button', 'data-person': id, 'aria-pressed': String(followed), title }, user);
    button.style.setProperty('--person', color);
    button.addEventListener('click', () => this.#choose(followed ? undefined : id));
    return element('li', {}, button);
  }

  #frame(drawn: Drawn, framed: string[], stroke: string): void {
    drawn.framed = framed;
    const parts = framed.map((id) => this.#parts.get(id)).filter((part) => part !== undefined);
    drawn.selection.replaceChildren(
      ...parts.map((part) => {
        const [width, height] = [part.w * this.#view.zoom, part.h * this.#view.zoom];
        return svg('rect', { ...this.#view.toScreen(part), width, height, stroke, class: 'theirs' });
      }),
    );
  }

  #add({ id, user, color }: Person): Drawn {
    const cursor = svg('g', { class: 'cursor', 'data-user': user });
    const name = svg('text', { x: 16, y: 28 });
    name.textContent = user;
    const width = user.length * 7.5 + 12;
    cursor.append(
      svg('path', { d: 'M0 0 L0 16 L4.5 12 L11 12 Z', fill: color, stroke: '#ffffff' }),
      svg('rect', { x: 10, y: 15, width, height: 18, rx: 4, fill: color }),
      name,
    );
    const drawn = { cursor, selection: svg('g'), framed: [] };
    this.#canvas.overlay.append(drawn.selection, cursor);
    this.#drawn.set(id, drawn);
    return drawn;
  }
}
