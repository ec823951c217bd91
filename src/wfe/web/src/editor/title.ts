/** The title of the Thing, which is changed where it stands. */
import { find } from '../dom.js';
import type { Parts } from './parts.js';

export interface Title {
  readOnly: boolean;
  show(): void;
}

export function bindTitle(parts: Parts): Title {
  const field = find<HTMLInputElement>('#title');

  function show(): void {
    if (document.activeElement !== field) field.value = parts.title;
    document.title = `${parts.title} - WidgetApp`;
  }

  field.addEventListener('change', () => {
    const title = field.value.trim();
    if (title && title !== parts.title) parts.title = title;
  });
  // A Thing has a title: an empty one was not meant.
  field.addEventListener('blur', show);
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') field.value = parts.title;
    if (event.key === 'Escape' || event.key === 'Enter') find<SVGSVGElement>('#canvas').focus();
  });
  parts.meta.observe(show);
  return {
    get readOnly() {
      return field.readOnly;
    },
    set readOnly(readOnly) {
      field.readOnly = readOnly;
    },
    show,
  };
}
