/**
 * The home page: more Things as one scrolls, a search as one types, and news as they happen. Without this script the
 * page works as well, with a button for each.
 */
import { Stream } from '@widgetapp/client';

import { Refused, get, post } from '../ajax.js';
import { element, find } from '../dom.js';
import { offerDelete } from './delete.js';
import { offerRename } from './rename.js';

interface Entry {
  thing: string;
  title: string;
  role: string;
  changed_at: number;
}

interface Page {
  things: Entry[];
  next: string | null;
}

const SEARCH_AFTER_MS = 120;

const body = find<HTMLTableSectionElement>('#things tbody');
const said = find<HTMLElement>('#said');
const more = find<HTMLElement>('#more');
const search = find<HTMLInputElement>('#q');
let next: string | null = more.dataset.cursor ?? null;
/** Counts what was asked, so that a late answer does not replace a later one. */
let asked = 0;
let loading = false;

async function show(append: boolean): Promise<void> {
  const mine = ++asked;
  const text = search.value.trim();
  loading = true;
  try {
    const page = await (text
      ? get<Page>('search', { q: text })
      : get<Page>('scroll', append && next ? { cursor: next } : {}));
    if (mine !== asked) return;
    const rows = page.things.map(row);
    if (append) body.append(...rows);
    else body.replaceChildren(...rows);
    next = page.next;
    more.hidden = next === null;
    const empty = text ? `Nothing of yours has the words “${text}”.` : 'Nothing is shared with you yet.';
    said.textContent = body.rows.length === 0 ? empty : '';
  } catch (error) {
    if (mine === asked) said.textContent = `That did not work: ${(error as Refused).message}.`;
  } finally {
    if (mine === asked) {
      loading = false;
      watch();
    }
  }
}

function row({ thing, title, role, changed_at }: Entry): HTMLTableRowElement {
  const time = element('time', { datetime: new Date(changed_at).toISOString() });
  showTime(time);
  const link = element('a', { href: `/things/${thing}` }, title || 'Untitled');
  const made = element(
    'tr',
    {},
    element('th', { scope: 'row' }, link),
    element('td', {}, role),
    element('td', {}, time),
  );
  offer(made);
  return made;
}

/** What may be done with a Thing without opening it. */
function offer(row: HTMLTableRowElement): void {
  offerRename(row, said);
  offerDelete(row, said);
}

/** As the reader's language and place have it, wherever the row came from. */
function showTime(time: HTMLTimeElement): void {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  time.textContent = format.format(new Date(time.dateTime));
}

let typing: ReturnType<typeof setTimeout> | undefined;
search.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => void show(false), SEARCH_AFTER_MS);
});
find('form[role=search]').addEventListener('submit', (event) => {
  event.preventDefault();
  void show(false);
});
const end = new IntersectionObserver(([seen]) => {
  if (seen?.isIntersecting && next && !loading) void show(true);
}, { rootMargin: '400px' });

/** Looks anew whether the end of the list is near: that it still is, is no news to an observer. */
function watch(): void {
  end.unobserve(more);
  end.observe(more);
}

// Those that came with the page.
for (const row of body.rows) offer(row);
body.querySelectorAll('time').forEach(showTime);
watch();
// What was typed before this script was there.
if (search.value !== search.defaultValue) void show(false);
more.addEventListener('click', (event) => {
  event.preventDefault();
  void show(true);
});

find('#create').addEventListener('submit', (event) => {
  event.preventDefault();
  const title = find<HTMLInputElement>('#new-title').value.trim() || 'Untitled';
  post<{ thing: string }>('create', { title }).then(
    ({ thing }) => location.assign(`/things/${thing}`),
    (error: Refused) => (said.textContent = `That did not work: ${error.message}.`),
  );
});

// News come to those who stream; others see them when they come back to the page.
if (find<HTMLElement>('#home').dataset.live === 'true') {
  const stream = new Stream();
  const again = () => search.value.trim() === '' && scrollY < 200 && void show(false);
  stream.onPush('203 invited', ({ by, title }) => {
    find('#news').textContent = `${by} shares “${title}” with you.`;
    again();
  });
  stream.onPush('203 uninvited', again);
  stream.onPush('200 widgetApp_useraction_create', again);
  stream.connect();
}
