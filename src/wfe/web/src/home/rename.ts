/** Changes the title of a Thing where it stands in the list. */
import { type Refused, post } from '../ajax.js';
import { element } from '../dom.js';

const MOST_CHARACTERS = 200;

/** Puts a button into a row of the list, if its Thing may be changed. Faults are told in `said`. */
export function offerRename(row: HTMLTableRowElement, said: HTMLElement): void {
  const link = row.querySelector('a')!;
  if (row.cells[1]!.textContent === 'viewer') return;
  const button = element('button', { type: 'button', class: 'quiet' }, 'Rename');
  const name = () => button.setAttribute('aria-label', `Rename “${link.textContent}”`);
  name();
  button.addEventListener('click', () => edit(link, button, said, name));
  link.after(' ', button);
}

function edit(link: HTMLAnchorElement, button: HTMLButtonElement, said: HTMLElement, renamed: () => void): void {
  const before = link.textContent ?? '';
  const maxlength = String(MOST_CHARACTERS);
  const field = element('input', { value: before, maxlength, 'aria-label': 'Title', autocomplete: 'off' });
  let isOver = false;

  async function end(keep: boolean): Promise<void> {
    if (isOver) return;
    isOver = true;
    const title = field.value.trim();
    const hadFocus = document.activeElement === field;
    field.remove();
    link.hidden = button.hidden = false;
    if (hadFocus) button.focus();
    if (!keep || !title || title === before) return;
    try {
      await post('rename', { thing: link.pathname.split('/').at(-1), title });
      link.textContent = title;
      renamed();
      said.textContent = `It is called “${title}” now.`;
    } catch (error) {
      said.textContent = `That did not work: ${(error as Refused).message}.`;
    }
  }

  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    // Else the key would press the button, which has the focus then.
    event.preventDefault();
    void end(event.key === 'Enter');
  });
  field.addEventListener('blur', () => void end(true));
  link.hidden = button.hidden = true;
  link.before(field);
  field.focus();
  field.select();
}
