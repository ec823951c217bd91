/** Deleting a Thing, after a question. */
import { type Refused, post } from './ajax.js';
import { element } from './dom.js';

/** Asks first, in a dialog that goes away with the answer; calls `gone` when the Thing is deleted. */
export function askToDelete(thing: string, title: string, gone: () => void): void {
  const heading = element('h2', { id: 'delete-title' }, `Delete “${title}”`);
  const said = element('output', { role: 'status' });
  const yes = element('button', { type: 'button' }, 'Delete for everybody');
  const no = element('button', { type: 'button', autofocus: '' }, 'Cancel');
  const question = 'Delete this Thing for everybody? It cannot be brought back.';
  const dialog = element(
    'dialog',
    { 'aria-labelledby': heading.id, 'aria-describedby': 'delete-question' },
    heading,
    element('p', { id: 'delete-question' }, question),
    element('p', {}, no, ' ', yes),
    said,
  );
  no.addEventListener('click', () => dialog.close());
  yes.addEventListener('click', () => {
    yes.disabled = true;
    post('delete', { thing }).then(
      () => {
        dialog.close();
        gone();
      },
      (error: Refused) => {
        yes.disabled = false;
        said.textContent = `That did not work: ${error.message}.`;
      },
    );
  });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
