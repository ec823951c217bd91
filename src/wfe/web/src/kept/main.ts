/**
 * The page that says that there is no such Thing: where this device keeps a copy of it, that can be made a Thing of
 * one's own. So whoever lost a Thing while they were away loses none of their work.
 */
import * as Y from 'yjs';
import { IndexeddbPersistence } from 'y-indexeddb';

import type { Refused } from '../ajax.js';
import { keepAsNew } from '../content.js';
import { find } from '../dom.js';

const kept = find<HTMLElement>('#kept');
const name = `${kept.dataset.user}/${kept.dataset.thing}`;

async function offer(): Promise<void> {
  // To open it would make it.
  const all = await indexedDB.databases();
  if (!all.some((database) => database.name === name)) return;
  const doc = new Y.Doc();
  const copy = new IndexeddbPersistence(name, doc);
  await copy.whenSynced;
  if (doc.store.clients.size === 0) return;
  kept.hidden = false;
  find('#keep-copy').addEventListener('click', () => {
    keepAsNew(doc).then(
      async (path) => {
        await copy.clearData();
        location.assign(path);
      },
      (error: Refused) => (find('#kept output').textContent = `That did not work: ${error.message}.`),
    );
  });
}

void offer();
