/**
 * The panel beside the canvas: the list of parts, by which those work who use a keyboard or a screen reader, and the
 * fields of what is selected.
 */
import { element, find } from '../dom.js';
import type { Part, Parts } from './parts.js';
import type { Tools } from './tools.js';

/** Longer lists are cut: nobody reads them, and the canvas shows the rest. */
const MOST_LISTED = 200;
const NAMES: Record<string, string> = { box: 'Box', circle: 'Circle', note: 'Note' };

export class Panel {
  readonly #parts: Parts;
  readonly #tools: Tools;
  readonly #list = find<HTMLUListElement>('#parts');
  readonly #fields = find<HTMLFieldSetElement>('#selected');
  readonly #label = find<HTMLInputElement>('#label');
  readonly #color = find<HTMLInputElement>('#color');
  #scheduled = false;
  #shown = '';

  constructor(parts: Parts, tools: Tools) {
    this.#parts = parts;
    this.#tools = tools;
    parts.map.observeDeep(() => this.schedule());
    this.#label.addEventListener('input', () => {
      const [id] = tools.selected;
      if (id) parts.label(id, this.#label.value);
    });
    this.#label.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== 'Escape') return;
      event.preventDefault();
      find<SVGSVGElement>('#canvas').focus();
    });
    this.#color.addEventListener('input', () => parts.color(tools.selected, this.#color.value));
    find('#remove').addEventListener('click', () => parts.remove([...tools.selected]));
    find('#duplicate').addEventListener('click', () => tools.select(parts.duplicate(tools.selected)));
    this.schedule();
  }

  /** Lets the label of the selected part be typed. */
  writeLabel(): void {
    this.#write();
    this.#label.focus();
    this.#label.select();
  }

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => this.#write(), 100);
  }

  #write(): void {
    this.#scheduled = false;
    const parts = this.#parts.all();
    const listed = parts.slice(0, MOST_LISTED);
    // Most changes are moves, which the list does not show.
    const chosen = this.#tools.selected;
    const shown = JSON.stringify([listed.map((part) => [part.id, nameOf(part), chosen.has(part.id)]), parts.length]);
    if (shown !== this.#shown) this.#writeList(listed, parts.length - listed.length);
    this.#shown = shown;
    this.#writeFields();
  }

  #writeList(listed: Part[], more: number): void {
    const focused = document.activeElement?.getAttribute('data-listed');
    this.#list.replaceChildren(...listed.map((part) => this.#entry(part)));
    if (more > 0) this.#list.append(element('li', {}, `and ${more} more`));
    if (focused) this.#list.querySelector<HTMLElement>(`[data-listed="${CSS.escape(focused)}"]`)?.focus();
  }

  #entry(part: Part): HTMLLIElement {
    const chosen = this.#tools.selected.has(part.id);
    const attributes = { type: 'button', 'data-listed': part.id, 'aria-pressed': String(chosen) };
    const button = element('button', attributes, nameOf(part));
    button.addEventListener('click', (event) => {
      const others = event.shiftKey ? [...this.#tools.selected] : [];
      this.#tools.select([...others, part.id]);
    });
    button.addEventListener('keydown', (event) => {
      // The keys of the canvas, but those by which buttons are pressed.
      if (event.key !== 'Enter' && event.key !== ' ' && event.key !== 'Tab') this.#tools.key(event);
    });
    return element('li', {}, button);
  }

  #writeFields(): void {
    const [id, ...others] = this.#tools.selected;
    const part = id === undefined ? undefined : this.#parts.get(id);
    this.#fields.disabled = !part || !this.#tools.enabled;
    this.#label.disabled = others.length > 0;
    const label = others.length > 0 ? '' : (part?.label ?? '');
    if (this.#label.value !== label) this.#label.value = label;
    if (part && /^#[0-9a-f]{6}$/i.test(part.color)) this.#color.value = part.color;
  }
}

function nameOf({ kind, label }: Part): string {
  const named = NAMES[kind] ?? 'Part';
  return label ? `${named}: ${label}` : named;
}
