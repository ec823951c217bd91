/**
 * The page that says that there is no such Thing: where this device keeps a copy of it, that can be made a Thing of
 * one's own. So whoever lost a Thing while they were away loses none of their work.
 */
import type { Refused } from '../ajax.js';
import { keepAsNew } from '../content.js';
import { find } from '../dom.js';
import { keptAs, keptCopy } from '../kept-copy.js';

const kept = find<HTMLElement>('#kept');

async function offer(): Promise<void> {
  const copy = await keptCopy(keptAs(kept.dataset.user!, kept.dataset.thing!));
  if (!copy) return;
  kept.hidden = false;
  find('#keep-copy').addEventListener('click', () => {
    keepAsNew(copy.doc).then(
      async (path) => {
        await copy.forget();
        location.assign(path);
      },
      (error: Refused) => (find('#kept output').textContent = `That did not work: ${error.message}.`),
    );
  });
}

void offer();
