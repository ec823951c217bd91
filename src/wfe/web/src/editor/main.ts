/** The page of one Thing: puts the document, the canvas and what is around them together. */
import { LiveThing, Presence, Stream } from '@widgetapp/client';

import './editor.css';
import type { Refused } from '../ajax.js';
import { keepAsNew } from '../content.js';
import { find } from '../dom.js';
import { AloneThing } from './alone.js';
import { Canvas } from './canvas.js';
import { bindNotes } from './notes.js';
import type { OpenThing } from './open-thing.js';
import { Panel } from './panel.js';
import { Parts } from './parts.js';
import { People } from './people.js';
import { bindShare } from './share.js';
import { say } from './status.js';
import { Tools, type Tool } from './tools.js';
import { View } from './view.js';

const { thing: id, user, live } = find<HTMLElement>('#editor').dataset as Record<string, string>;

interface Opened {
  thing: OpenThing;
  presence: Presence | undefined;
}

function open(): Opened {
  if (live !== 'true') return { thing: new AloneThing(id!), presence: undefined };
  const stream = new Stream();
  const thing = new LiveThing(stream, id!, { keepAs: `${user}/${id}` });
  stream.connect();
  return { thing, presence: new Presence(stream, thing) };
}

const { thing, presence } = open();
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
const people = presence && new People(presence, canvas, parts, view, find('#people'));

const pointer: { x: number; y: number; selection: string[] } = { x: 0, y: 0, selection: [] };

function point(change: Partial<typeof pointer>): void {
  Object.assign(pointer, change);
  presence?.point({ ...pointer, x: Math.round(pointer.x), y: Math.round(pointer.y) });
}

const title = find<HTMLInputElement>('#title');
const notes = find<HTMLTextAreaElement>('#notes');
bindNotes(notes, parts);
bindShare(id!);

title.addEventListener('change', () => (parts.title = title.value));
parts.meta.observe(showTitle);

function showTitle(): void {
  if (document.activeElement !== title) title.value = parts.title;
  document.title = `${parts.title} - WidgetApp`;
}

function mayChange(): boolean {
  return thing.role !== 'viewer' && thing.role !== 'none' && thing.state !== 'opening' && thing.state !== 'ended';
}

function showState(): void {
  const { sign, text, more } = say(thing);
  const status = find<HTMLElement>('#status');
  status.dataset.sign = sign;
  if (status.textContent !== text) status.textContent = text;
  const explanation = find<HTMLElement>('#explanation');
  find<HTMLElement>('#explained').hidden = !more;
  if (explanation.textContent !== (more ?? '')) explanation.textContent = more ?? '';
  const enabled = mayChange();
  tools.enabled = enabled;
  notes.readOnly = title.readOnly = !enabled;
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-changes]')) button.disabled = !enabled;
  find<HTMLElement>('#open-share').hidden = thing.role !== 'owner';
  find<HTMLElement>('#keep-copy').hidden = thing.state !== 'ended' || parts.map.size + parts.notes.length === 0;
  showUndo();
  panel.schedule();
}

const undo = find<HTMLButtonElement>('#undo');
const redo = find<HTMLButtonElement>('#redo');
const showUndo = () => {
  undo.disabled = !mayChange() || parts.history.undoStack.length === 0;
  redo.disabled = !mayChange() || parts.history.redoStack.length === 0;
};
parts.history.on('stack-item-added', showUndo);
parts.history.on('stack-item-popped', showUndo);
undo.addEventListener('click', () => void parts.history.undo());
redo.addEventListener('click', () => void parts.history.redo());
document.addEventListener('keydown', (event) => {
  if (!(event.ctrlKey || event.metaKey) || !mayChange()) return;
  const key = event.key.toLowerCase();
  if (key === 'z' && !event.shiftKey) parts.history.undo();
  else if (key === 'y' || (key === 'z' && event.shiftKey)) parts.history.redo();
  else return;
  event.preventDefault();
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

// Whoever leaves with changes that are not stored anywhere is asked first.
window.addEventListener('beforeunload', (event) => {
  if (thing.unsaved > 0 && thing.state !== 'ended' && live !== 'true') event.preventDefault();
});

thing.on('change', showState);
showState();
tools.take('select');
void thing.ready.then(() => {
  fit();
  showTitle();
  canvas.schedule();
  find<HTMLElement>('#editor').dataset.ready = 'true';
});
