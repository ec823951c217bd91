/** The copy of a Thing that this device keeps while it is edited live, for when it cannot be edited live any more. */
import { Doc } from 'yjs';
import { IndexeddbPersistence } from 'y-indexeddb';

export interface KeptCopy {
  doc: Doc;
  forget(): Promise<void>;
}

/** The name under which the copy of a Thing is kept for somebody. */
export const keptAs = (user: string, thing: string) => `${user}/${thing}`;

/** The copy under this name, if there is one with anything in it. */
export async function keptCopy(name: string): Promise<KeptCopy | undefined> {
  // To open it would make it.
  const all = await indexedDB.databases();
  if (!all.some((database) => database.name === name)) return undefined;
  const doc = new Doc();
  const copy = new IndexeddbPersistence(name, doc);
  await copy.whenSynced;
  if (doc.store.clients.size > 0) return { doc, forget: () => copy.clearData() };
  await copy.destroy();
  return undefined;
}
