/** Finds out why no connection comes about: the approval of the group was withdrawn, or the login has ended. */
import type { Stream } from '@widgetapp/client';

import { type Refused, post } from '../ajax.js';

/** The close code `approval_withdrawn`. */
const APPROVAL_WITHDRAWN = 4503;
/** The close codes `bad_token` and `token_expired`: on a page the token is the login. */
const LOGIN_OVER: Record<number, string> = {
  4500: 'You have logged out, or have a new password. Log in again.',
  4501: 'Your login has come to its end. Log in again.',
};

export interface Refusals {
  /** Called once: nobody in the group works live any more. */
  notApproved(): void;
  /** Called with `true` when the login has ended or is somebody else's, and with `false` when it counts again. */
  loggedOut(isSo: boolean): void;
  /** Called when the login has ended under a connection, with words on that. */
  loginOver(why: string): void;
}

/** `login` is the one that the page was made for. */
export function whenRefused(stream: Stream, thing: string, login: string, { notApproved, loggedOut, loginOver }: Refusals): void {
  let isOver = false;
  const over = () => {
    if (isOver) return;
    isOver = true;
    stream.close();
    notApproved();
  };
  stream.on('ended', ({ code }) => {
    const why = LOGIN_OVER[code];
    if (code === APPROVAL_WITHDRAWN) over();
    else if (why) loginOver(why);
  });
  stream.on('stranger', async ({ user }) => {
    // Whoever was renamed has another name, and is logged in as before.
    if ((await loginNow()) === login) stream.accept(user);
    else loggedOut(true);
  });
  stream.on('live', () => loggedOut(false));
  // A browser does not tell why a connection is refused, so that is asked in another way.
  let before = stream.state;
  stream.on('state', (state) => {
    if (before === 'connecting' && state === 'waiting') {
      post('ticket', { thing }).catch((error: Refused) => {
        if (error.code === 'group_not_approved') over();
        else if (error.status === 401 && stream.state !== 'live') loggedOut(true);
      });
    }
    before = state;
  });
}

/** The login that this page would be made for now. */
async function loginNow(): Promise<string | undefined> {
  const page = await fetch(location.pathname).then((answer) => answer.text(), () => '');
  const made = new DOMParser().parseFromString(page, 'text/html');
  return made.querySelector<HTMLElement>('#editor')?.dataset.login;
}
