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
  /** The last change that is known here, by its place in the log. */
  readonly offset: number;
  /** Takes over what the server made of it for us, where that does not come by itself. */
  refresh?(): void;
  /** Removes what this device keeps of it. */
  forget(): Promise<void>;
  /** Calls `listener` whenever something of this is another. */
  on(event: 'change', listener: () => void): unknown;
}
