/** The page of one Thing: puts the document, the canvas and what is around them together. */
import { LiveThing, Presence, Stream } from '@widgetapp/client';

import './editor.css';
import { type Refused, post } from '../ajax.js';
import { keepAsNew } from '../content.js';
import { askToDelete } from '../delete.js';
import { element, find } from '../dom.js';
import { keptAs, keptCopy } from '../kept-copy.js';
import { AloneThing } from './alone.js';
import { Canvas } from './canvas.js';
import { bindHistory } from './history.js';
import { bindNotes } from './notes.js';
import type { OpenThing } from './open-thing.js';
import { Panel } from './panel.js';
import { Parts } from './parts.js';
import { People } from './people.js';
import { bindShare, whenShared } from './share.js';
import { say } from './status.js';
import { bindTitle } from './title.js';
import { Tools, type Tool } from './tools.js';
import { Undo } from './undo.js';
import { View } from './view.js';
import { whenRefused } from './refusal.js';

const made = find<HTMLElement>('#editor').dataset as { thing: string; user: string; login: string; live: string };
const { thing: id, user, login, live } = made;
const keepAs = keptAs(user, id);

let thing: OpenThing;
let presence: Presence | undefined;
/** Whether the login has ended, while there was no connection. */
let loggedOut = false;
/** Why the login has ended under the connection. */
let loginOver: string | undefined;
if (live === 'true') {
  const stream = new Stream({ user });
  const shared = new LiveThing(stream, id, { keepAs });
  [thing, presence] = [shared, new Presence(stream, shared)];
  whenRefused(stream, id, login, {
    notApproved: () => goAlone(shared),
    loggedOut: (isSo) => {
      loggedOut = isSo;
      showState();
    },
    loginOver: (why) => {
      loginOver = why;
      showState();
    },
  });
  whenShared(stream, id, user, (text) => tell(text));
  stream.connect();
} else {
  thing = new AloneThing(id, { kept: () => keptCopy(keepAs) });
}

const parts = new Parts(thing.doc);
const view = new View();
const canvas = new Canvas(find<SVGSVGElement>('#canvas'), parts, view);
const tools = new Tools(canvas, parts, view, {
  onSelect: (selected) => {
    panel.schedule();
    point({ selection: [...selected] });
  },
  onTool: (tool) => {
    for (const button of document.querySelectorAll<HTMLElement>('button[data-tool]')) {
      button.setAttribute('aria-pressed', String(button.dataset.tool === tool));
    }
  },
  onPoint: (at) => point(at),
  onLabel: (part) => {
    tools.select([part]);
    panel.writeLabel();
  },
  onPan: () => people?.stopFollowing(),
});
const panel = new Panel(parts, tools);
const list = find<HTMLElement>('#people');
const people = presence && new People(presence, canvas, parts, view, list);

const pointer: { x: number; y: number; selection: string[] } = { x: 0, y: 0, selection: [] };

function point(change: Partial<typeof pointer>): void {
  Object.assign(pointer, change);
  presence?.point({ ...pointer, x: Math.round(pointer.x), y: Math.round(pointer.y) });
}

/** Live editing is over: the same document, as it stands, goes on without it. */
function goAlone(shared: LiveThing): void {
  const { doc, role } = shared;
  const why = 'Live editing is off from now on, because the approval of your group was withdrawn. Your work is kept.';
  thing = new AloneThing(id, { left: { doc, role, why, unsent: shared.leave(), forget: () => shared.forget() } });
  thing.on('change', showState);
  presence?.close();
  people?.close();
  list.replaceChildren(element('li', {}, 'You work alone'));
  showState();
}

const notes = find<HTMLTextAreaElement>('#notes');
const title = bindTitle(parts);
const said = find<HTMLElement>('#said');
const tell = (text: string) => (said.textContent = text);
bindNotes(notes, parts);
bindShare(id);

function mayChange(): boolean {
  return thing.role !== 'viewer' && thing.role !== 'none' && thing.state !== 'opening' && thing.state !== 'ended';
}

function showState(): void {
  const { sign, text, more } = say(thing, { loggedOut: loggedOut ? user : undefined, over: loginOver });
  const status = find<HTMLElement>('#status');
  status.dataset.sign = sign;
  if (status.textContent !== text) status.textContent = text;
  const explanation = find<HTMLElement>('#explanation');
  find<HTMLElement>('#explained').hidden = !more;
  if (explanation.textContent !== (more ?? '')) explanation.textContent = more ?? '';
  if (people) people.isLive = thing.state === 'live';
  const enabled = mayChange();
  tools.enabled = enabled;
  notes.readOnly = title.readOnly = !enabled;
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-changes]')) button.disabled = !enabled;
  const isOwner = thing.role === 'owner' && thing.state !== 'ended';
  find<HTMLElement>('#open-share').hidden = find<HTMLElement>('#open-delete').hidden = !isOwner;
  showLogIn();
  const isEmpty = parts.map.size + parts.notes.length === 0;
  find<HTMLElement>('#keep-copy').hidden = thing.state !== 'ended' || loginOver !== undefined || isEmpty;
  showUndo();
  panel.schedule();
}

/** What comes back by itself stays open beside the login; what is closed is opened anew after it. */
function showLogIn(): void {
  const link = find<HTMLAnchorElement>('#log-in');
  const isOver = loginOver !== undefined;
  link.hidden = !(isOver ? thing.state === 'ended' : loggedOut && thing.state === 'offline');
  link.target = isOver ? '' : '_blank';
  link.href = isOver ? `/login?next=${location.pathname}` : '/login';
}

const undoButton = find<HTMLButtonElement>('#undo');
const redoButton = find<HTMLButtonElement>('#redo');
const undo = new Undo(
  parts.history,
  {
    offset: () => thing.offset,
    isThere: () => thing.state === 'live' || thing.state === 'alone',
    ask: async (action, before) => {
      await post(action, { thing: id, before });
      thing.refresh?.();
    },
  },
  showUndo,
);

function showUndo(): void {
  undoButton.disabled = !mayChange() || !undo.canUndo;
  redoButton.disabled = !mayChange() || !undo.canRedo;
}

undoButton.addEventListener('click', () => void undo.undo().then(tell));
redoButton.addEventListener('click', () => void undo.redo().then(tell));
document.addEventListener('keydown', (event) => {
  if (!(event.ctrlKey || event.metaKey) || !mayChange() || document.querySelector('dialog[open]')) return;
  const key = event.key.toLowerCase();
  if (key === 'z' && !event.shiftKey) void undo.undo().then(tell);
  else if (key === 'y' || (key === 'z' && event.shiftKey)) void undo.redo().then(tell);
  else return;
  event.preventDefault();
});

bindHistory(id, parts, {
  mayRestore: mayChange,
  restore: async (offset) => {
    await post('restore', { thing: id, offset });
    undo.restart();
    thing.refresh?.();
    tell('The Thing is again what it was then. Undo takes that back.');
  },
});

for (const button of document.querySelectorAll<HTMLElement>('button[data-tool]')) {
  button.addEventListener('click', () => {
    tools.take(button.dataset.tool as Tool);
    canvas.root.focus();
  });
}
find('#zoom-in').addEventListener('click', () => tools.zoom(1.25));
find('#zoom-out').addEventListener('click', () => tools.zoom(0.8));
find('#zoom-fit').addEventListener('click', () => {
  fit();
  canvas.schedule();
});

function fit(): void {
  const { width, height } = canvas.size;
  view.fit(parts.all(), width, height);
}

find('#keep-copy').addEventListener('click', () => {
  keepAsNew(thing.doc).then(
    async (path) => {
      await thing.forget();
      location.assign(path);
    },
    (error: Refused) => (find('#explained output').textContent = `That did not work: ${error.message}.`),
  );
});

find('#open-delete').addEventListener('click', () => {
  askToDelete(id, parts.title, async () => {
    await thing.forget();
    location.assign('/');
  });
});

// Whoever leaves with changes that are not stored anywhere is asked first.
window.addEventListener('beforeunload', (event) => {
  if (thing.unsaved > 0 && thing.state !== 'ended' && thing instanceof AloneThing) event.preventDefault();
});

thing.on('change', showState);
showState();
tools.take('select');
void thing.ready.then(() => {
  fit();
  title.show();
  canvas.schedule();
  find<HTMLElement>('#editor').dataset.ready = 'true';
});
