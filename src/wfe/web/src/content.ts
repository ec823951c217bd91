/** What is in a Thing, as user actions know it, and keeping it as a Thing of one's own. */
import type { Doc } from 'yjs';

import { post } from './ajax.js';
import type { Json } from './editor/diff.js';

export interface Content {
  meta: Record<string, Json>;
  parts: Record<string, Record<string, Json>>;
  notes: string;
}

export function contentOf(doc: Doc): Content {
  const [meta, parts] = [doc.getMap('meta'), doc.getMap('parts')].map((map) => map.toJSON());
  return { meta, parts, notes: doc.getText('notes').toString() } as Content;
}

/** Makes a new Thing with all that is in this one; the path of its page. */
export async function keepAsNew(doc: Doc): Promise<string> {
  const { meta, parts, notes } = contentOf(doc);
  const title = `${String(meta.title ?? 'Untitled').slice(0, 190)} (copy)`;
  const { thing } = await post<{ thing: string }>('create', { title, content: { meta: { ...meta, title }, parts, notes } });
  return `/things/${thing}`;
}
