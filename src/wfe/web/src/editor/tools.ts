/**
 * What pointers and keys do on the canvas: select, move, resize, draw, pan and zoom.
 *
 * Owns the selection and the tool in hand. Changes go through `Parts`, so each gesture can be undone.
 */
import { type Canvas, type Handle } from './canvas.js';
import { type Box, type Kind, type Part, type Parts, SMALLEST } from './parts.js';
import { between, bounds, touches, type Point, type View } from './view.js';

export type Tool = 'select' | Kind;

type Gesture =
  | { kind: 'move'; from: Point; before: Map<string, Part> }
  | { kind: 'resize'; handle: Handle; around: Box; before: Map<string, Part> }
  | { kind: 'draw'; shape: Kind; from: Point }
  | { kind: 'sweep'; from: Point; kept: Set<string> }
  | { kind: 'pan'; last: Point };

export interface ToolEvents {
  onSelect(selected: Set<string>): void;
  onTool(tool: Tool): void;
  /** The pointer is here on the plane. */
  onPoint(at: Point): void;
  /** The label of a part is to be written. */
  onLabel(id: string): void;
  /** The view was moved by hand. */
  onPan(): void;
}

const STEP = 1;
const LARGE_STEP = 10;
const CLICK: Box = { x: 0, y: 0, w: 120, h: 80 };

export class Tools {
  readonly selected = new Set<string>();
  /** Whether the Thing may be changed. */
  enabled = false;
  readonly #canvas: Canvas;
  readonly #parts: Parts;
  readonly #view: View;
  readonly #events: ToolEvents;
  readonly #touches = new Map<number, Point>();
  #tool: Tool = 'select';
  #gesture: Gesture | undefined;
  #space = false;

  constructor(canvas: Canvas, parts: Parts, view: View, events: ToolEvents) {
    this.#canvas = canvas;
    this.#parts = parts;
    this.#view = view;
    this.#events = events;
    const { root } = canvas;
    root.addEventListener('pointerdown', (event) => this.#down(event));
    root.addEventListener('pointermove', (event) => this.#move(event));
    root.addEventListener('pointerup', (event) => this.#up(event));
    root.addEventListener('pointercancel', (event) => this.#up(event));
    root.addEventListener('dblclick', (event) => this.#double(event));
    root.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    root.addEventListener('keydown', (event) => this.key(event));
    root.addEventListener('keyup', (event) => event.key === ' ' && (this.#space = false));
    parts.onChange((changed) => {
      if (![...changed].some((id) => this.selected.has(id))) return;
      const gone = [...this.selected].filter((id) => !parts.map.has(id));
      if (gone.length > 0) this.select([...this.selected].filter((id) => parts.map.has(id)));
    });
  }

  get tool(): Tool {
    return this.#tool;
  }

  take(tool: Tool): void {
    this.#tool = this.enabled ? tool : 'select';
    this.#canvas.root.dataset.tool = this.#tool;
    this.#events.onTool(this.#tool);
  }

  select(ids: Iterable<string>): void {
    const next = [...ids];
    this.selected.clear();
    next.forEach((id) => this.selected.add(id));
    this.#canvas.select(this.selected);
    this.#events.onSelect(this.selected);
  }

  #at(event: MouseEvent): Point {
    const { left, top } = this.#canvas.root.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  #down(event: PointerEvent): void {
    const screen = this.#at(event);
    this.#touches.set(event.pointerId, screen);
    this.#canvas.root.setPointerCapture(event.pointerId);
    if (this.#touches.size === 2) {
      this.#gesture = undefined;
      this.#canvas.sketch(undefined);
      return;
    }
    const at = this.#view.toPlane(screen);
    if (event.button === 1 || this.#space) {
      this.#gesture = { kind: 'pan', last: screen };
    } else if (event.button === 0) {
      this.#gesture = this.#begin(event, at, screen);
    }
  }

  #begin(event: PointerEvent, at: Point, screen: Point): Gesture | undefined {
    const target = event.target as Element;
    if (this.#tool !== 'select') return { kind: 'draw', shape: this.#tool, from: at };
    const handle = target.getAttribute('data-handle') as Handle | null;
    const around = bounds([...this.#chosen().values()]);
    if (handle && around && this.enabled) return { kind: 'resize', handle, around, before: this.#chosen() };
    const id = target.closest('[data-part]')?.getAttribute('data-part');
    if (!id) {
      if (event.pointerType === 'touch') return { kind: 'pan', last: screen };
      const kept = event.shiftKey ? new Set(this.selected) : new Set<string>();
      this.select(kept);
      return { kind: 'sweep', from: at, kept };
    }
    if (event.shiftKey) {
      const others = [...this.selected].filter((other) => other !== id);
      this.select(this.selected.has(id) ? others : [...others, id]);
    } else if (!this.selected.has(id)) {
      this.select([id]);
    }
    if (!this.enabled) return undefined;
    this.#parts.history.stopCapturing();
    return { kind: 'move', from: at, before: this.#chosen() };
  }

  #move(event: PointerEvent): void {
    const screen = this.#at(event);
    const at = this.#view.toPlane(screen);
    this.#events.onPoint(at);
    if (this.#touches.has(event.pointerId)) this.#pinch(event.pointerId, screen);
    const gesture = this.#gesture;
    if (!gesture) return;
    switch (gesture.kind) {
      case 'move':
        this.#parts.place(
          mapped(gesture.before, ({ x, y }) => ({ x: x + at.x - gesture.from.x, y: y + at.y - gesture.from.y })),
        );
        break;
      case 'resize':
        this.#parts.place(resized(gesture.before, gesture.around, gesture.handle, at));
        break;
      case 'draw':
        this.#canvas.sketch(between(gesture.from, at));
        break;
      case 'sweep': {
        const box = between(gesture.from, at);
        this.#canvas.sketch(box);
        const swept = this.#parts.all().filter((part) => touches(part, box));
        this.select([...gesture.kept, ...swept.map((part) => part.id)]);
        break;
      }
      case 'pan':
        this.#view.pan(screen.x - gesture.last.x, screen.y - gesture.last.y);
        gesture.last = screen;
        this.#viewed();
    }
  }

  /** Two fingers move and zoom the view. */
  #pinch(moved: number, to: Point): void {
    if (this.#touches.size === 2) {
      const [one, other] = [...this.#touches.entries()] as [[number, Point], [number, Point]];
      const [still, from] = one[0] === moved ? [other[1], one[1]] : [one[1], other[1]];
      const distance = (point: Point) => Math.hypot(point.x - still.x, point.y - still.y);
      this.#view.pan((to.x - from.x) / 2, (to.y - from.y) / 2);
      if (distance(from) > 0) this.#view.zoomAt(still, distance(to) / distance(from));
      this.#viewed();
    }
    this.#touches.set(moved, to);
  }

  #up(event: PointerEvent): void {
    this.#touches.delete(event.pointerId);
    const gesture = this.#gesture;
    this.#gesture = undefined;
    this.#canvas.sketch(undefined);
    if (gesture?.kind === 'draw') this.#drawn(gesture.shape, between(gesture.from, this.#view.toPlane(this.#at(event))));
    this.#parts.history.stopCapturing();
  }

  #drawn(shape: Kind, box: Box): void {
    const clicked = box.w < SMALLEST && box.h < SMALLEST;
    const id = this.#parts.add(shape, clicked ? { ...CLICK, x: box.x - CLICK.w / 2, y: box.y - CLICK.h / 2 } : box);
    this.select([id]);
    this.take('select');
    this.#events.onLabel(id);
  }

  #double({ clientX, clientY }: MouseEvent): void {
    // Since the canvas captures the pointer, it is the target, and not the part.
    const id = document.elementFromPoint(clientX, clientY)?.closest('[data-part]')?.getAttribute('data-part');
    if (id && this.enabled) this.#events.onLabel(id);
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) this.#view.zoomAt(this.#at(event), Math.exp(-event.deltaY / 200));
    else this.#view.pan(-event.deltaX, -event.deltaY);
    this.#viewed();
  }

  #viewed(): void {
    this.#canvas.schedule();
    this.#events.onPan();
  }

  /** Zooms about the middle. */
  zoom(factor: number): void {
    const { width, height } = this.#canvas.size;
    this.#view.zoomAt({ x: width / 2, y: height / 2 }, factor);
    this.#viewed();
  }

  key(event: KeyboardEvent): void {
    const command = event.ctrlKey || event.metaKey;
    if (this.#command(event.key, command, event.shiftKey)) event.preventDefault();
  }

  /** Whether the key means something here. */
  #command(key: string, command: boolean, shift: boolean): boolean {
    const step = shift ? LARGE_STEP : STEP;
    const arrows: Record<string, Point> = {
      ArrowLeft: { x: -step, y: 0 },
      ArrowRight: { x: step, y: 0 },
      ArrowUp: { x: 0, y: -step },
      ArrowDown: { x: 0, y: step },
    };
    const arrow = arrows[key];
    if (arrow && this.enabled && this.selected.size > 0) {
      this.#parts.move(this.selected, arrow.x, arrow.y);
      return true;
    }
    if (command && key.toLowerCase() === 'a') {
      this.select(this.#parts.map.keys());
      return true;
    }
    if (command && key.toLowerCase() === 'd' && this.enabled) {
      this.select(this.#parts.duplicate(this.selected));
      return true;
    }
    if (command) return false;
    const tools: Record<string, Tool> = { v: 'select', b: 'box', c: 'circle', n: 'note' };
    const tool = tools[key.toLowerCase()];
    const [first] = this.selected;
    if (tool) this.take(tool);
    else if (key === 'Escape') this.#tool === 'select' ? this.select([]) : this.take('select');
    else if ((key === 'Delete' || key === 'Backspace') && this.enabled) this.#parts.remove([...this.selected]);
    else if (key === 'Enter' && this.#tool !== 'select') this.#drawn(this.#tool, this.#middle());
    else if (key === 'Enter' && first && this.enabled) this.#events.onLabel(first);
    else if (key === ' ') this.#space = true;
    else if (key === '+' || key === '=') this.zoom(1.25);
    else if (key === '-') this.zoom(0.8);
    else return false;
    return true;
  }

  /** The middle of the screen, as a box without size. */
  #middle(): Box {
    const { width, height } = this.#canvas.size;
    return { ...this.#view.toPlane({ x: width / 2, y: height / 2 }), w: 0, h: 0 };
  }

  #chosen(): Map<string, Part> {
    const parts = [...this.selected].map((id) => this.#parts.get(id)).filter((part) => part !== undefined);
    return new Map(parts.map((part) => [part.id, part]));
  }
}

function mapped<T, U>(map: Map<string, T>, change: (value: T) => U): Map<string, U> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}

/** Where parts are after the box around them was pulled by a handle. */
function resized(before: Map<string, Part>, around: Box, handle: Handle, to: Point): Map<string, Box> {
  const left = handle.includes('w') ? Math.min(to.x, around.x + around.w - SMALLEST) : around.x;
  const top = handle.includes('n') ? Math.min(to.y, around.y + around.h - SMALLEST) : around.y;
  const right = handle.includes('e') ? Math.max(to.x, around.x + SMALLEST) : around.x + around.w;
  const bottom = handle.includes('s') ? Math.max(to.y, around.y + SMALLEST) : around.y + around.h;
  const [across, down] = [(right - left) / around.w, (bottom - top) / around.h];
  return mapped(before, (part) => ({
    x: left + (part.x - around.x) * across,
    y: top + (part.y - around.y) * down,
    w: Math.max(SMALLEST, part.w * across),
    h: Math.max(SMALLEST, part.h * down),
  }));
}
