/** Finds out that somebody may not work live any more: the approval of their group was withdrawn. */
import type { Stream } from '@widgetapp/client';

import { type Refused, post } from '../ajax.js';

/** The close code `approval_withdrawn`. */
const APPROVAL_WITHDRAWN = 4503;

/** Calls `then` once, when it is so. */
export function whenNotApproved(stream: Stream, thing: string, then: () => void): void {
  let isOver = false;
  const over = () => {
    if (isOver) return;
    isOver = true;
    stream.close();
    then();
  };
  stream.on('ended', ({ code }) => code === APPROVAL_WITHDRAWN && over());
  // A browser does not tell why a connection is refused, so that is asked in another way.
  let before = stream.state;
  stream.on('state', (state) => {
    if (before === 'connecting' && state === 'waiting') {
      post('ticket', { thing }).catch((error: Refused) => error.code === 'group_not_approved' && over());
    }
    before = state;
  });
}
