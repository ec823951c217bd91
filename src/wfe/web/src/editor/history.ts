/** The dialog that tells who changed what, and when, and goes back to what was. */
import { type Refused, get } from '../ajax.js';
import { element, find } from '../dom.js';
import { nameOf, type Parts } from './parts.js';

interface Change {
  offset: number;
  user: string;
  at: number;
  action: string;
  changed?: string[];
}

interface Page {
  changes: Change[];
  next: number | null;
}

/** Changes that somebody made one soon after the other: people think of them as one. */
interface Stretch {
  newest: Change;
  oldest: Change;
  count: number;
  /** The places in the content. */
  changed: Set<string>;
}

/** As many as the server gives at once. */
const PAGE = 100;
const PAUSE_MS = 5 * 60_000;
/** Things that are named of one stretch. */
const MOST_NAMED = 3;

export interface HistoryEvents {
  /** Whether this person may go back. */
  mayRestore(): boolean;
  /** Goes back to what was after this change. */
  restore(offset: number): Promise<void>;
}

export function bindHistory(thing: string, parts: Parts, events: HistoryEvents): void {
  const dialog = find<HTMLDialogElement>('#history');
  const list = find<HTMLOListElement>('#changes');
  const older = find<HTMLButtonElement>('#older-changes');
  const said = find<HTMLElement>('#history output');
  let stretches: Stretch[] = [];
  let next: number | null = null;

  const failed = (error: Refused) => (said.textContent = `That did not work: ${error.message}.`);

  async function load(): Promise<void> {
    const before: Record<string, string> = next === null ? {} : { before: String(next) };
    const page = await get<Page>('history', { thing, limit: String(PAGE), ...before });
    page.changes.forEach((change) => put(stretches, change));
    next = page.next;
    older.hidden = next === null;
    list.replaceChildren(...stretches.map((stretch, index) => entry(stretch, index)));
  }

  function entry(stretch: Stretch, index: number): HTMLLIElement {
    const { newest, oldest } = stretch;
    const id = `change-${newest.offset}`;
    const time = element('time', { datetime: new Date(newest.at).toISOString() }, span(oldest.at, newest.at));
    const told = element('span', { id }, element('strong', {}, newest.user), ` ${what(stretch, parts)}, `, time);
    const item = element('li', {}, told);
    if (index === 0) item.append(element('em', {}, ' (as it is now)'));
    else if (events.mayRestore()) item.append(back(newest.offset, id));
    return item;
  }

  function back(offset: number, describedBy: string): HTMLButtonElement {
    const button = element('button', { type: 'button', 'aria-describedby': describedBy }, 'Go back to this');
    button.addEventListener('click', () => {
      button.disabled = true;
      events.restore(offset).then(() => dialog.close(), (error: Refused) => {
        button.disabled = false;
        failed(error);
      });
    });
    return button;
  }

  find('#open-history').addEventListener('click', () => {
    [stretches, next] = [[], null];
    said.textContent = '';
    list.replaceChildren();
    older.hidden = true;
    dialog.showModal();
    load().catch(failed);
  });
  older.addEventListener('click', () => void load().catch(failed));
  find('#close-history').addEventListener('click', () => dialog.close());
}

/** Adds a change that was made before all others. */
function put(stretches: Stretch[], change: Change): void {
  const last = stretches.at(-1);
  const isSame = last?.oldest.action === 'edit' && change.action === 'edit' && last.oldest.user === change.user;
  if (last && isSame && last.oldest.at - change.at < PAUSE_MS) {
    last.oldest = change;
    last.count += 1;
    change.changed?.forEach((path) => last.changed.add(path));
  } else {
    stretches.push({ newest: change, oldest: change, count: 1, changed: new Set(change.changed) });
  }
}

/** What was done, as the rest of a sentence that begins with a name. */
function what({ newest, changed, count }: Stretch, parts: Parts): string {
  switch (newest.action) {
    case 'create':
      return 'made this Thing';
    case 'restore':
      return 'went back to what was before';
    case 'undo':
      return `took back a change of ${places(changed, parts)}`;
    case 'redo':
      return `made a change of ${places(changed, parts)} again`;
    case 'rename':
      return 'changed the title';
    default:
      return `changed ${places(changed, parts)}${count > 1 ? ` (${count} steps)` : ''}`;
  }
}

/** The places of a change in words, for people who know no paths. */
function places(changed: Set<string>, parts: Parts): string {
  const names = [...new Set([...changed].map((path) => place(path, parts)))];
  const more = names.length - MOST_NAMED;
  const named = more > 0 ? [...names.slice(0, MOST_NAMED), `${more} more`] : names;
  return named.length === 0 ? 'something' : new Intl.ListFormat('en').format(named);
}

function place(path: string, parts: Parts): string {
  const [, root, key] = path.split('/');
  if (root === 'notes') return 'the notes';
  if (root === 'meta') return key === 'title' ? 'the title' : 'what is known of it';
  const part = key === undefined ? undefined : parts.get(key.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (!part) return 'a part that is gone';
  return part.label ? `“${part.label}”` : `a ${nameOf(part).toLowerCase()}`;
}

/** From when to when, as short as it goes. */
function span(from: number, to: number): string {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return format.formatRange(from, to);
}
