/**
 * The panel beside the canvas: the list of parts, by which those work who use a keyboard or a screen reader, and the
 * fields of what is selected.
 */
import { element, find } from '../dom.js';
import { nameOf, type Part, type Parts } from './parts.js';
import type { Tools } from './tools.js';

/** Longer lists are cut: nobody reads them, and the canvas shows the rest. */
const MOST_LISTED = 200;

export class Panel {
  readonly #parts: Parts;
  readonly #tools: Tools;
  readonly #list = find<HTMLUListElement>('#parts');
  readonly #fields = find<HTMLFieldSetElement>('#selected');
  readonly #label = find<HTMLInputElement>('#label');
  readonly #color = find<HTMLInputElement>('#color');
  /** The entries of the list, and how they name their parts. */
  readonly #entries = new Map<string, { entry: HTMLLIElement; button: HTMLButtonElement; name: string }>();
  readonly #more = element('li');
  /** How many parts there were when the list was written. */
  #count = 0;
  #scheduled = false;

  constructor(parts: Parts, tools: Tools) {
    this.#parts = parts;
    this.#tools = tools;
    this.#list.append(this.#more);
    parts.onChange((changed) => {
      const isOther = parts.map.size !== this.#count || [...changed].some((id) => this.#isShownOtherwise(id));
      if (isOther) this.schedule();
    });
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

  /** Most changes are moves, which the panel does not show. */
  #isShownOtherwise(id: string): boolean {
    if (this.#tools.selected.has(id)) return true;
    const part = this.#parts.get(id);
    const listed = this.#entries.get(id);
    return listed !== undefined && (!part || nameOf(part) !== listed.name);
  }

  #write(): void {
    this.#scheduled = false;
    this.#writeList();
    this.#writeFields();
  }

  /** What is in the list and as it should be stays, so that nobody loses their place in it. */
  #writeList(): void {
    const ids = [...this.#parts.map.keys()];
    const listed = new Set(ids.slice(0, MOST_LISTED));
    for (const [id, { entry }] of this.#entries) {
      if (listed.has(id)) continue;
      entry.remove();
      this.#entries.delete(id);
    }
    let next = this.#list.firstElementChild;
    for (const id of listed) {
      const part = this.#parts.get(id);
      if (!part) continue;
      const entry = this.#entry(part);
      if (entry === next) next = next.nextElementSibling;
      else this.#list.insertBefore(entry, next);
    }
    this.#count = ids.length;
    this.#more.hidden = ids.length <= MOST_LISTED;
    this.#more.textContent = this.#more.hidden ? '' : `and ${ids.length - MOST_LISTED} more`;
  }

  #entry(part: Part): HTMLLIElement {
    const made = this.#entries.get(part.id) ?? this.#add(part.id);
    const name = nameOf(part);
    if (made.name !== name) made.button.textContent = made.name = name;
    const chosen = String(this.#tools.selected.has(part.id));
    if (made.button.ariaPressed !== chosen) made.button.ariaPressed = chosen;
    return made.entry;
  }

  #add(id: string): { entry: HTMLLIElement; button: HTMLButtonElement; name: string } {
    const button = element('button', { type: 'button' });
    button.addEventListener('click', (event) => {
      const others = event.shiftKey ? [...this.#tools.selected] : [];
      this.#tools.select([...others, id]);
    });
    button.addEventListener('keydown', (event) => {
      // The keys of the canvas, but those by which buttons are pressed.
      if (event.key !== 'Enter' && event.key !== ' ' && event.key !== 'Tab') this.#tools.key(event);
    });
    const made = { entry: element('li', {}, button), button, name: '' };
    this.#entries.set(id, made);
    return made;
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
