/** Deletes a Thing from the list. */
import { askToDelete } from '../delete.js';
import { element } from '../dom.js';

/** Puts a button into a row of the list, if its Thing is one's own. What was done is told in `said`. */
export function offerDelete(row: HTMLTableRowElement, said: HTMLElement): void {
  if (row.cells[1]!.textContent !== 'owner') return;
  const link = row.querySelector('a')!;
  const button = element('button', { type: 'button', class: 'quiet' }, 'Delete');
  // The title may be another by then.
  const title = () => link.textContent ?? '';
  const name = () => button.setAttribute('aria-label', `Delete “${title()}”`);
  name();
  new MutationObserver(name).observe(link, { childList: true });
  button.addEventListener('click', () => {
    askToDelete(link.pathname.split('/').at(-1)!, title(), () => {
      row.remove();
      said.textContent = `“${title()}” is deleted.`;
    });
  });
  row.cells[0]!.append(' ', button);
}
