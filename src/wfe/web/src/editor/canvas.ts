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
  /** As it stands on the screen. */
  part: Part;
}

/** What is another since the drawing before. */
export interface Redrawn {
  parts: ReadonlySet<string>;
  /** Whether the view was moved or zoomed. */
  view: boolean;
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
  #dirty = new Set<string>();
  readonly #afterDrawing: Array<(redrawn: Redrawn) => void> = [];
  #selected = new Set<string>();
  #chosenAnew = false;
  #scheduled = false;
  /** Where the plane stands on the screen. */
  #placed = '';

  constructor(root: SVGSVGElement, parts: Parts, view: View) {
    this.root = root;
    this.#parts = parts;
    this.#view = view;
    root.append(this.#plane, this.#frame, this.#sketch, this.overlay);
    this.#sketch.setAttribute('visibility', 'hidden');
    parts.onChange((changed) => {
      for (const id of changed) this.#dirty.add(id);
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
  afterDrawing(draw: (redrawn: Redrawn) => void): void {
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
    this.#chosenAnew = true;
    this.schedule();
  }

  /** Shows a box that is about to be drawn or searched, on the plane's measure; nothing without one. */
  sketch(box: Box | undefined): void {
    this.#sketch.setAttribute('visibility', box ? 'visible' : 'hidden');
    if (!box) return;
    const { x, y } = this.#view.toScreen(box);
    set(this.#sketch, { x, y, width: box.w * this.#view.zoom, height: box.h * this.#view.zoom });
  }

  /** Touches nothing that is as it should be: whatever is set anew, the browser lays out and paints anew. */
  #draw(): void {
    this.#scheduled = false;
    const { zoom } = this.#view;
    const origin = this.#view.toScreen({ x: 0, y: 0 });
    const placed = `translate(${origin.x} ${origin.y}) scale(${zoom})`;
    const view = placed !== this.#placed;
    if (view) this.#plane.setAttribute('transform', placed);
    this.#placed = placed;
    const parts = this.#dirty;
    this.#dirty = new Set();
    let reordered = false;
    for (const id of parts) reordered = this.#drawPart(id) || reordered;
    if (reordered) this.#order();
    if (view || this.#chosenAnew || [...this.#selected].some((id) => parts.has(id))) this.#drawFrame();
    this.#chosenAnew = false;
    for (const draw of this.#afterDrawing) draw({ parts, view });
  }

  /** Whether its place among the others may be another. */
  #drawPart(id: string): boolean {
    const part = this.#parts.get(id);
    let drawn = this.#drawn.get(id);
    if (!part || (drawn && drawn.part.kind !== part.kind)) {
      drawn?.group.remove();
      this.#drawn.delete(id);
      drawn = undefined;
    }
    if (!part) return false;
    const before = drawn?.part;
    drawn ??= this.#add(part);
    drawn.part = part;
    const { group, shape, label } = drawn;
    const resized = before?.w !== part.w || before.h !== part.h;
    const recoloured = before?.color !== part.color;
    if (before?.x !== part.x || before.y !== part.y) set(group, { transform: `translate(${part.x} ${part.y})` });
    if (resized) set(shape, extent(part));
    if (recoloured) set(shape, { fill: part.color || '#cccccc' });
    if (resized || before?.label !== part.label) write(label, part);
    if (recoloured) set(label, { fill: isDark(part.color) ? '#ffffff' : '#1b1b1b' });
    return resized;
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

/** How large its shape is drawn. */
function extent({ kind, w, h }: Part): Record<string, number> {
  return kind === 'circle' ? { cx: w / 2, cy: h / 2, rx: w / 2, ry: h / 2 } : { width: w, height: h };
}

function write(label: SVGTextElement, part: Part): void {
  const lines = part.label ? wrap(part.label, part.w) : [];
  const top = part.h / 2 - ((lines.length - 1) * LINE_HEIGHT) / 2;
  label.replaceChildren(
    ...lines.map((line, index) => {
      const span = svg('tspan', { x: part.w / 2, y: top + index * LINE_HEIGHT, dy: '0.35em' });
      span.textContent = line;
      return span;
    }),
  );
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
