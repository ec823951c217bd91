/** Which piece of the plane is on the screen: pan and zoom. Pure arithmetic. */
import type { Box } from './parts.js';

export interface Point {
  x: number;
  y: number;
}

const LEAST_ZOOM = 0.1;
const MOST_ZOOM = 8;

export class View {
  /** The point of the plane at the screen's upper left. */
  x = -40;
  y = -40;
  zoom = 1;

  toPlane({ x, y }: Point): Point {
    return { x: x / this.zoom + this.x, y: y / this.zoom + this.y };
  }

  toScreen({ x, y }: Point): Point {
    return { x: (x - this.x) * this.zoom, y: (y - this.y) * this.zoom };
  }

  pan(dx: number, dy: number): void {
    this.x -= dx / this.zoom;
    this.y -= dy / this.zoom;
  }

  /** Zooms so that what is at `at` on the screen stays there. */
  zoomAt(at: Point, factor: number): void {
    const fixed = this.toPlane(at);
    this.zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, this.zoom * factor));
    this.x = fixed.x - at.x / this.zoom;
    this.y = fixed.y - at.y / this.zoom;
  }

  /** Shows the whole of `boxes` on a screen of this size. */
  fit(boxes: Box[], width: number, height: number): void {
    const around = bounds(boxes);
    if (!around || width === 0 || height === 0) return;
    const margin = 40;
    const zoom = Math.min((width - 2 * margin) / around.w, (height - 2 * margin) / around.h, 1.5);
    this.zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, zoom));
    this.x = around.x - (width / this.zoom - around.w) / 2;
    this.y = around.y - (height / this.zoom - around.h) / 2;
  }
}

export function bounds(boxes: Box[]): Box | undefined {
  if (boxes.length === 0) return undefined;
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.w));
  const bottom = Math.max(...boxes.map((box) => box.y + box.h));
  return { x, y, w: right - x, h: bottom - y };
}

export const touches = (a: Box, b: Box): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

/** The box between two points. */
export const between = (a: Point, b: Point): Box => ({
  x: Math.min(a.x, b.x),
  y: Math.min(a.y, b.y),
  w: Math.abs(a.x - b.x),
  h: Math.abs(a.y - b.y),
});
