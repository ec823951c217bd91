/** The dialog in which people invite others by name, and what is told of those whom others invite. */
import type { Pushes, Stream } from '@widgetapp/client';

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

/** Tells with whom others share the Thing; of what `user` does, the dialog tells. */
export function whenShared(stream: Stream, thing: string, user: string, tell: (text: string) => void): void {
  const hear = (action: 'invite' | 'uninvite', say: (share: Share, whom: string) => string) =>
    stream.onPush(`200 widgetApp_useraction_${action}`, (share, message) => {
      if (message.thing === thing && share.user !== user) tell(say(share, named(share.with, user)));
    });
  hear('invite', ({ user, role }, whom) => `${user} shares it with ${whom} now: ${role}.`);
  hear('uninvite', ({ user }, whom) => `${user} shares it with ${whom} no more.`);
}

type Share = Pushes['200 widgetApp_useraction_invite'];

function named(sharee: Share['with'], user: string): string {
  if ('group' in sharee) return `the group ${sharee.group}`;
  return sharee.user === user ? 'you' : sharee.user;
}

const article = (role: string) => (/^[aeiou]/.test(role) ? `an ${role}` : `a ${role}`);
