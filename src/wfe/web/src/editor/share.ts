/** The dialog in which people invite others by name. */
import { Refused, post } from '../ajax.js';
import { find } from '../dom.js';

export function bindShare(thing: string): void {
  const dialog = find<HTMLDialogElement>('#share');
  const form = find<HTMLFormElement>('#share form');
  const said = find<HTMLElement>('#share output');
  find('#open-share').addEventListener('click', () => {
    said.textContent = '';
    dialog.showModal();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const name = String(fields.get('name')).trim();
    const role = String(fields.get('role'));
    const who = { [String(fields.get('kind'))]: name };
    const asked = role === 'none' ? post('uninvite', { thing, ...who }) : post('invite', { thing, ...who, role });
    const done = role === 'none' ? `${name} has no access any more.` : `${name} is ${article(role)} now.`;
    asked.then(
      () => (said.textContent = done),
      (error: Refused) => (said.textContent = `That did not work: ${error.message}.`),
    );
  });
  find('#close-share').addEventListener('click', () => dialog.close());
}

const article = (role: string) => (/^[aeiou]/.test(role) ? `an ${role}` : `a ${role}`);
