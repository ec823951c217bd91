/** The notes: a text area that several people write into at once. */
import type { Parts } from './parts.js';

export function bindNotes(area: HTMLTextAreaElement, parts: Parts): void {
  area.value = parts.notes.toString();
  area.addEventListener('input', () => parts.writeNotes(area.value));
  parts.notes.observe((event) => {
    const value = parts.notes.toString();
    if (value === area.value) return;
    // What others write before the caret moves it along.
    let { selectionStart: start, selectionEnd: end } = area;
    let at = 0;
    for (const { retain = 0, insert = '', delete: gone = 0 } of event.delta) {
      at += retain;
      const added = String(insert).length;
      const moved = (place: number) => (place <= at ? place : Math.max(at, place - gone) + added);
      [start, end] = [moved(start), moved(end)];
      at += added;
    }
    const { scrollTop } = area;
    area.value = value;
    if (document.activeElement === area) area.setSelectionRange(start, end);
    area.scrollTop = scrollTop;
  });
}
