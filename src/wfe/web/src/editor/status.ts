/** What people are told of the connection and of what is stored, in plain words. */
import type { OpenThing } from './open-thing.js';

const TO_LOOK_AT = 'You may look at this Thing, and not change it.';

export interface Said {
  /** `good`, `wait` or `stop`: what the sign looks like. */
  sign: 'good' | 'wait' | 'stop';
  text: string;
  /** More, for those who ask. */
  more?: string;
}

export interface Login {
  /** Who has to log in again before the connection can come back. */
  loggedOut?: string | undefined;
  /** Why the login ended while there was one. */
  over?: string | undefined;
}

export function say({ state, role, why, unsaved }: OpenThing, { loggedOut, over }: Login): Said {
  const changes = unsaved === 1 ? '1 change' : `${unsaved} changes`;
  switch (state) {
    case 'opening':
      return { sign: 'wait', text: 'Opening' };
    case 'live':
      if (unsaved > 0) return { sign: 'good', text: 'Live, saving' };
      return role === 'viewer'
        ? { sign: 'good', text: 'Live, to look at', more: TO_LOOK_AT }
        : { sign: 'good', text: 'Live, all saved' };
    case 'alone': {
      const off = `${why ?? 'Live editing is off, because none of your groups is approved for it.'} Ask your administrator.`;
      const more = role === 'viewer' ? `${TO_LOOK_AT} ${off}` : off;
      return { sign: 'good', text: unsaved > 0 ? 'Working alone, saving' : 'Working alone, all saved', more };
    }
    case 'offline': {
      if (loggedOut !== undefined) {
        const text = unsaved === 0 ? 'Logged out' : `Logged out, ${changes} not saved yet`;
        const more = `Your login has ended. Log in as ${loggedOut} in another window, and go on here. What you do is kept on this device until then.`;
        return { sign: 'wait', text, more };
      }
      const kept = why ?? 'What you do is kept on this device, and saved when the connection is back.';
      if (unsaved === 0) return { sign: 'wait', text: 'Reconnecting', more: kept };
      return { sign: 'wait', text: `Offline, ${changes} not saved yet`, more: kept };
    }
    case 'ended': {
      if (over !== undefined) {
        const kept = unsaved > 0 ? ` ${changes} not saved yet: kept on this device until then.` : '';
        return { sign: 'stop', text: 'Closed', more: `${over}${kept}` };
      }
      const lost = unsaved > 0 ? ` ${changes} could not be saved; copy what you need.` : '';
      return { sign: 'stop', text: 'Closed', more: `${capital(why ?? 'this Thing is closed')}.${lost}` };
    }
  }
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
