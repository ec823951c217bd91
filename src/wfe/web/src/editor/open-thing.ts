/** What the editor needs of an open Thing, live or alone. */
import type { Doc } from 'yjs';
import type { LiveThing } from '@widgetapp/client';

export interface OpenThing {
  readonly doc: Doc;
  readonly ready: Promise<void>;
  /** As of a live Thing; `alone` where there is no live editing. */
  readonly state: LiveThing['state'] | 'alone';
  readonly role: string;
  readonly why: string | undefined;
  readonly unsaved: number;
  /** Removes what this device keeps of it. */
  forget(): Promise<void>;
  /** Calls `listener` whenever something of this is another. */
  on(event: 'change', listener: () => void): unknown;
}
