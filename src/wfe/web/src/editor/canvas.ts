/**
 * Draws the parts, the selection and what is about to be drawn. Only what has changed is drawn anew, once a frame.
 *
 * Knows nothing of pointers, keys and other people.
 */
import { svg, set } from '../dom.js';
import { bounds, type View } from './view.js';
import type { Box, Part, Parts } from './parts.js';

interface Drawn {
  group: SVGGElement;
  shape: SVGElement;
  label: SVGTextElement;
  part: Part;
}

const LINE_HEIGHT = 18;
const CHARACTER_WIDTH = 7.2;
const MOST_LINES = 12;
/** Corners and edges by which a selection is resized. */
export const HANDLES = ['nw', 'n', 'ne', 'e', 'se', 's', 'sw', 'w'] as const;
export type Handle = (typeof HANDLES)[number];

export class Canvas {
  readonly root: SVGSVGElement;
  /** For what belongs to other people; on the screen's measure. */
  readonly overlay = svg('g', { class: 'overlay' });
  readonly #parts: Parts;
  readonly #view: View;
  readonly #plane = svg('g');
  readonly #frame = svg('g', { class: 'frame' });
  readonly #sketch = svg('rect', { class: 'sketch' });
  readonly #drawn = new Map<string, Drawn>();
  readonly #dirty = new Set<string>();
  readonly #afterDrawing: Array<() => void> = [];
  #selected = new Set<string>();
  #scheduled = false;

  constructor(root: SVGSVGElement, parts: Parts, view: View) {
    this.root = root;
    this.#parts = parts;
    this.#view = view;
    root.append(this.#plane, this.#frame, this.#sketch, this.overlay);
    this.#sketch.setAttribute('visibility', 'hidden');
    parts.map.observeDeep((events) => {
      for (const event of events) {
        const [id] = event.path;
        if (typeof id === 'string') this.#dirty.add(id);
        else for (const changed of event.keys.keys()) this.#dirty.add(changed);
      }
      this.schedule();
    });
    for (const id of parts.map.keys()) this.#dirty.add(id);
    this.schedule();
  }

  get size(): { width: number; height: number } {
    const { width, height } = this.root.getBoundingClientRect();
    return { width, height };
  }

  /** Calls `draw` at the end of each drawing. */
  afterDrawing(draw: () => void): void {
    this.#afterDrawing.push(draw);
  }

  /** Draws in the next frame. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.#draw());
  }

  select(selected: Set<string>): void {
    this.#selected = selected;
    this.schedule();
  }

  /** Shows a box that is about to be drawn or searched, on the plane's measure; nothing without one. */
  sketch(box: Box | undefined): void {
    this.#sketch.setAttribute('visibility', box ? 'visible' : 'hidden');
    if (!box) return;
    const { x, y } = this.#view.toScreen(box);
    set(this.#sketch, { x, y, width: box.w * this.#view.zoom, height: box.h * this.#view.zoom });
  }

  #draw(): void {
    this.#scheduled = false;
    const { zoom } = this.#view;
    const origin = this.#view.toScreen({ x: 0, y: 0 });
    set(this.#plane, { transform: `translate(${origin.x} ${origin.y}) scale(${zoom})` });
    let reordered = false;
    for (const id of this.#dirty) reordered = this.#drawPart(id) || reordered;
    this.#dirty.clear();
    if (reordered) this.#order();
    this.#drawFrame();
    for (const draw of this.#afterDrawing) draw();
  }

  /** Whether its place among the others may be another. */
  #drawPart(id: string): boolean {
    const part = this.#parts.get(id);
    let drawn = this.#drawn.get(id);
    if (!part) {
      drawn?.group.remove();
      this.#drawn.delete(id);
      return false;
    }
    if (drawn && drawn.part.kind !== part.kind) {
      drawn.group.remove();
      drawn = undefined;
    }
    const isNew = !drawn;
    drawn ??= this.#add(part);
    const before = drawn.part;
    drawn.part = part;
    set(drawn.group, { transform: `translate(${part.x} ${part.y})` });
    set(drawn.shape, { fill: part.color || '#cccccc' });
    if (part.kind === 'circle') {
      set(drawn.shape, { cx: part.w / 2, cy: part.h / 2, rx: part.w / 2, ry: part.h / 2 });
    } else {
      set(drawn.shape, { width: part.w, height: part.h });
    }
    write(drawn.label, part);
    return isNew || before.w * before.h !== part.w * part.h;
  }

  #add(part: Part): Drawn {
    const shape = part.kind === 'circle' ? svg('ellipse') : svg('rect', { rx: part.kind === 'note' ? 2 : 6 });
    const label = svg('text', { 'text-anchor': 'middle' });
    const group = svg('g', { class: `part ${part.kind}`, 'data-part': part.id });
    group.append(shape, label);
    this.#plane.append(group);
    const drawn = { group, shape, label, part };
    this.#drawn.set(part.id, drawn);
    return drawn;
  }

  /** Small parts stand before large ones, for everyone alike. */
  #order(): void {
    const area = ({ part }: Drawn) => part.w * part.h;
    const order = [...this.#drawn.values()].sort((a, b) => area(b) - area(a) || (a.part.id < b.part.id ? -1 : 1));
    let next = this.#plane.firstChild;
    for (const { group } of order) {
      if (group === next) next = next.nextSibling;
      else this.#plane.insertBefore(group, next);
    }
  }

  #drawFrame(): void {
    this.#frame.replaceChildren();
    const boxes = [...this.#selected].map((id) => this.#parts.get(id)).filter((part) => part !== undefined);
    const around = bounds(boxes);
    if (!around) return;
    for (const box of boxes.length > 1 ? [...boxes, around] : boxes) this.#frame.append(this.#outline(box, 'outline'));
    const { x, y } = this.#view.toScreen(around);
    const [width, height] = [around.w * this.#view.zoom, around.h * this.#view.zoom];
    for (const handle of HANDLES) {
      const left = handle.includes('w') ? x : handle.includes('e') ? x + width : x + width / 2;
      const top = handle.includes('n') ? y : handle.includes('s') ? y + height : y + height / 2;
      const grip = { x: left - 5, y: top - 5, width: 10, height: 10, 'data-handle': handle, class: `handle ${handle}` };
      this.#frame.append(svg('rect', grip));
    }
  }

  #outline(box: Box, name: string): SVGRectElement {
    const { x, y } = this.#view.toScreen(box);
    return svg('rect', { x, y, width: box.w * this.#view.zoom, height: box.h * this.#view.zoom, class: name });
  }
}

function write(label: SVGTextElement, part: Part): void {
  const lines = wrap(part.label, part.w);
  const top = part.h / 2 - ((lines.length - 1) * LINE_HEIGHT) / 2;
  label.replaceChildren(
    ...lines.map((line, index) => {
      const span = svg('tspan', { x: part.w / 2, y: top + index * LINE_HEIGHT, dy: '0.35em' });
      span.textContent = line;
      return span;
    }),
  );
  label.setAttribute('fill', isDark(part.color) ? '#ffffff' : '#1b1b1b');
}

/** Words in lines of about this width. */
function wrap(text: string, width: number): string[] {
  const most = Math.max(4, Math.floor(width / CHARACTER_WIDTH));
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line && line.length + 1 + word.length > most) {
        lines.push(line);
        line = word;
      } else {
        line = line ? `${line} ${word}` : word;
      }
    }
    lines.push(line);
  }
  return lines.slice(0, MOST_LINES);
}

/** By the relative luminance of WCAG 2.2: which of black and white stands out more. */
function isDark(color: string): boolean {
  const digits = /^#([0-9a-f]{6})$/i.exec(color)?.[1];
  if (!digits) return false;
  const [red, green, blue] = [0, 2, 4].map((at) => {
    const share = parseInt(digits.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18;
}
