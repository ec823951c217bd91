/** The dialog that shows who changed what and when, and goes back to an earlier state. */
import { Refused, get, post } from '../ajax.js';
import { element, find } from '../dom.js';

interface Change {
  offset: number;
  user: string;
  action: string;
  at: number;
}

interface History {
  changes: Change[];
  next: number | null;
}

const WORDS: Record<string, string> = {
  create: 'made the Thing',
  edit: 'changed it',
  rename: 'renamed it',
  restore: 'went back to an earlier state',
  undo: 'took a change back',
  redo: 'made a change again',
};

export function bindHistory(thing: string, mayChange: () => boolean): void {
  const dialog = find<HTMLDialogElement>('#history');
  const list = find<HTMLOListElement>('#history ol');
  const said = find<HTMLElement>('#history output');
  const more = find<HTMLButtonElement>('#history-more');
  let next: number | null = null;

  const show = async (before: number | null) => {
    try {
      const query: Record<string, string> = before === null ? { thing } : { thing, before: String(before) };
      const page = await get<History>('history', query);
      list.append(...page.changes.map(entry));
      next = page.next;
      more.hidden = next === null;
      said.textContent = '';
    } catch (error) {
      said.textContent = `That did not work: ${(error as Refused).message}.`;
    }
  };

  const entry = (change: Change) => {
    const time = new Date(change.at);
    const when = element('time', { datetime: time.toISOString() }, time.toLocaleString());
    const line = element('li', {}, element('strong', {}, change.user), ` ${WORDS[change.action] ?? change.action} `, when);
    if (mayChange()) {
      const button = element('button', { type: 'button' }, 'Go back to this');
      button.addEventListener('click', () => void restore(change.offset));
      line.append(button);
    }
    return line;
  };

  const restore = async (offset: number) => {
    try {
      await post('restore', { thing, offset });
      dialog.close();
    } catch (error) {
      said.textContent = `That did not work: ${(error as Refused).message}.`;
    }
  };

  find('#open-history').addEventListener('click', () => {
    list.replaceChildren();
    dialog.showModal();
    void show(null);
  });
  more.addEventListener('click', () => void show(next));
  find('#close-history').addEventListener('click', () => dialog.close());
}
