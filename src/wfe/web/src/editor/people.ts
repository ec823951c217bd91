/** The other people: who is here, their cursors and selections on the canvas, and following one of them. */
import type { Person, Presence } from '@widgetapp/client';

import { element, set, svg } from '../dom.js';
import type { Canvas } from './canvas.js';
import type { Parts } from './parts.js';
import type { View } from './view.js';

interface Drawn {
  cursor: SVGGElement;
  selection: SVGGElement;
}

export class People {
  readonly #presence: Presence;
  readonly #canvas: Canvas;
  readonly #parts: Parts;
  readonly #view: View;
  readonly #list: HTMLElement;
  readonly #drawn = new Map<string, Drawn>();
  #shown = '';
  #followed: string | undefined;

  constructor(presence: Presence, canvas: Canvas, parts: Parts, view: View, list: HTMLElement) {
    this.#presence = presence;
    this.#canvas = canvas;
    this.#parts = parts;
    this.#view = view;
    this.#list = list;
    canvas.afterDrawing(() => this.#draw());
    presence.onChange(() => {
      this.#follow();
      this.#write();
      canvas.schedule();
    });
    this.#write();
  }

  /** Whoever moves the view themselves follows nobody any more. */
  stopFollowing(): void {
    if (this.#followed === undefined) return;
    this.#followed = undefined;
    this.#write();
  }

  #follow(): void {
    const cursor = this.#followed === undefined ? undefined : this.#presence.people.get(this.#followed)?.cursor;
    if (!cursor) return;
    const { width, height } = this.#canvas.size;
    this.#view.x = cursor.x - width / 2 / this.#view.zoom;
    this.#view.y = cursor.y - height / 2 / this.#view.zoom;
  }

  #write(): void {
    const people = [...this.#presence.people.values()];
    if (this.#followed !== undefined && !this.#presence.people.has(this.#followed)) this.#followed = undefined;
    const shown = JSON.stringify([people.map(({ id, user, color }) => [id, user, color]), this.#followed, this.#presence.others]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#list.replaceChildren(...people.map((person) => this.#entry(person)));
    if (this.#presence.others > 0) this.#list.append(element('li', {}, `and ${this.#presence.others} more`));
    if (people.length === 0) this.#list.append(element('li', { class: 'nobody' }, 'Nobody else is here'));
  }

  #entry(person: Person): HTMLLIElement {
    const followed = person.id === this.#followed;
    const button = element(
      'button',
      { type: 'button', 'aria-pressed': String(followed), title: followed ? 'Stop following' : 'Follow' },
      person.user,
    );
    button.style.setProperty('--person', person.color);
    button.addEventListener('click', () => {
      this.#followed = followed ? undefined : person.id;
      this.#follow();
      this.#write();
      this.#canvas.schedule();
    });
    return element('li', {}, button);
  }

  #draw(): void {
    for (const [id, drawn] of this.#drawn) {
      if (this.#presence.people.has(id)) continue;
      drawn.cursor.remove();
      drawn.selection.remove();
      this.#drawn.delete(id);
    }
    for (const person of this.#presence.people.values()) {
      if (person.cursor) this.#drawPerson(person, person.cursor);
    }
  }

  #drawPerson(person: Person, at: NonNullable<Person['cursor']>): void {
    const drawn = this.#drawn.get(person.id) ?? this.#add(person);
    const { x, y } = this.#view.toScreen(at);
    set(drawn.cursor, { transform: `translate(${x} ${y})` });
    drawn.selection.replaceChildren();
    for (const id of Array.isArray(at.selection) ? at.selection.slice(0, 50) : []) {
      const part = this.#parts.get(String(id));
      if (!part) continue;
      const corner = this.#view.toScreen(part);
      const [width, height] = [part.w * this.#view.zoom, part.h * this.#view.zoom];
      drawn.selection.append(svg('rect', { ...corner, width, height, stroke: person.color, class: 'theirs' }));
    }
  }

  #add(person: Person): Drawn {
    const cursor = svg('g', { class: 'cursor', 'data-user': person.user });
    const name = svg('text', { x: 16, y: 28 });
    name.textContent = person.user;
    const width = person.user.length * 7.5 + 12;
    cursor.append(
      svg('path', { d: 'M0 0 L0 16 L4.5 12 L11 12 Z', fill: person.color, stroke: '#ffffff' }),
      svg('rect', { x: 10, y: 15, width, height: 18, rx: 4, fill: person.color }),
      name,
    );
    const drawn = { cursor, selection: svg('g') };
    this.#canvas.overlay.append(drawn.selection, cursor);
    this.#drawn.set(person.id, drawn);
    return drawn;
  }
}
