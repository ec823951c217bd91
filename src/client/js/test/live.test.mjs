import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import 'fake-indexeddb/auto';
import WebSocket from 'ws';
import { IndexeddbPersistence } from 'y-indexeddb';
import * as Y from 'yjs';

import { LiveThing, RequestError } from '../dist/index.js';
import { start, until } from './server.mjs';

let server;
before(async () => (server = await start()));
after(() => server.stop());

const live = (thing) => until('the Thing is live', () => thing.state === 'live');
const saved = (thing) => until('everything is stored', () => thing.unsaved === 0);
const notes = (thing) => thing.doc.getText('notes').toString();
const reads = (thing, text) => until(`the notes read ${text}`, () => notes(thing) === text);

/** Somebody with the Thing open. */
async function opened(user, options, thing = server.welcome) {
  const stream = server.stream(user, options?.stream);
  stream.connect();
  const open = new LiveThing(stream, thing, options);
  await live(open);
  return { stream, thing: open, end: () => (open.close(), stream.close()) };
}

/** Waits until the copy on this device has these notes. */
async function untilKept(name, text) {
  for (;;) {
    const copy = new Y.Doc();
    const kept = new IndexeddbPersistence(name, copy);
    await kept.whenSynced;
    await kept.destroy();
    if (copy.getText('notes').toString() === text) return;
  }
}

async function newThing(user, title) {
  const stream = server.stream(user);
  stream.connect();
  await until('live', () => stream.state === 'live');
  const { thing } = await stream.request('200 widgetApp_useraction_create', { title });
  stream.close();
  return thing;
}

test('a change of one reaches the other', async () => {
  const [ada, grace] = [await opened('ada'), await opened('grace')];
  ada.thing.doc.getText('notes').insert(0, 'Hello, Grace. ');
  await saved(ada.thing);
  await until('Grace reads it', () => notes(grace.thing).startsWith('Hello, Grace. '));
  ada.end(), grace.end();
});

test('what both type at once is merged to the same', async () => {
  const [ada, grace] = [await opened('ada'), await opened('grace')];
  for (let i = 0; i < 50; i++) {
    ada.thing.doc.getText('notes').insert(0, 'a');
    grace.thing.doc.getText('notes').insert(notes(grace.thing).length, 'g');
  }
  await saved(ada.thing), await saved(grace.thing);
  await until('both read the same', () => notes(ada.thing) === notes(grace.thing));
  assert.match(notes(ada.thing), /a{50}[^]*g{50}/);
  ada.end(), grace.end();
});

test('nothing is sent on the connection of somebody else than was expected', async () => {
  let who = 'grace';
  const strangers = [];
  const stream = server.stream('ada', { user: 'ada', token: () => server.token(who) });
  stream.on('stranger', ({ user }) => strangers.push(user));
  const thing = new LiveThing(stream, server.welcome);
  stream.connect();
  await until('Grace was welcomed', () => strangers.length > 0);
  assert.notEqual(thing.state, 'live');
  who = 'ada';
  await live(thing);
  assert.equal(stream.welcome.user, 'ada');
  assert.equal(thing.role, 'owner');
  thing.close(), stream.close();
});

test('a refused request says why', async () => {
  const stream = server.stream('ada');
  stream.connect();
  await until('live', () => stream.state === 'live');
  const asked = stream.request('200 widgetApp_useraction_select', {}, '00000000-0000-4000-8000-000000000000');
  await assert.rejects(asked, (error) => error instanceof RequestError && error.error.name === 'thing_not_found');
  stream.close();
});

test('changes made without a connection go out with the next', async () => {
  const sockets = [];
  class Cut extends WebSocket {
    constructor(...args) {
      super(...args);
      sockets.push(this);
    }
  }
  const thing = await newThing('ada', 'Offline');
  const ada = await opened('ada', { stream: { WebSocket: Cut } }, thing);
  sockets.at(-1).terminate();
  await until('it is noticed', () => ada.thing.state === 'offline');
  ada.thing.doc.getText('notes').insert(0, 'typed offline');
  assert.equal(ada.thing.unsaved, 1);
  await live(ada.thing), await saved(ada.thing);
  const other = await opened('ada', {}, thing);
  await reads(other.thing, 'typed offline');
  ada.end(), other.end();
});

test('changes outlive the page that made them', async () => {
  const thing = await newThing('ada', 'Kept');
  const first = await opened('ada', { keepAs: `kept-${thing}` }, thing);
  first.thing.doc.getText('notes').insert(0, 'stored. ');
  await saved(first.thing);
  // The page is closed while there is no connection.
  first.stream.close();
  first.thing.doc.getText('notes').insert(8, 'not stored.');
  await untilKept(`kept-${thing}`, 'stored. not stored.');
  first.thing.doc.destroy();

  const again = await opened('ada', { keepAs: `kept-${thing}` }, thing);
  await saved(again.thing);
  const other = await opened('ada', {}, thing);
  await reads(other.thing, 'stored. not stored.');
  again.end(), other.end();
});

test('opening what is kept and stored makes no change', async () => {
  const thing = await newThing('ada', 'Quiet');
  const first = await opened('ada', { keepAs: `quiet-${thing}` }, thing);
  first.thing.doc.getText('notes').insert(0, 'one two');
  first.thing.doc.getText('notes').delete(0, 4);
  await saved(first.thing);
  first.end();
  const selected = async (stream) => (await stream.request('200 widgetApp_useraction_select', {}, thing)).offset;
  const again = await opened('ada', { keepAs: `quiet-${thing}` }, thing);
  const before = await selected(again.stream);
  await saved(again.thing);
  assert.equal(await selected(again.stream), before);
  again.end();
});

test('a killed _sfe is not noticed', async () => {
  const [ada, grace] = [await opened('ada'), await opened('grace')];
  const states = [];
  ada.stream.on('state', (state) => states.push(state));
  const { stdout } = await server.admin('-status', '-json');
  const sfe = stdout.trim().split('\n').map((line) => JSON.parse(line)).find(({ process }) => process === '_sfe');
  process.kill(sfe.pid, 'SIGKILL');
  for (let i = 0; i < 20; i++) ada.thing.doc.getText('notes').insert(0, 'k');
  await saved(ada.thing);
  await until('both read the same', () => notes(ada.thing) === notes(grace.thing));
  assert.deepEqual(states, []);
  ada.end(), grace.end();
});

test('access that ends is told, and what is here stays readable', async () => {
  const thing = await newThing('ada', 'Shared');
  const ada = await opened('ada', {}, thing);
  await ada.stream.request('200 widgetApp_useraction_invite', { user: 'grace', role: 'editor' }, thing);
  const grace = await opened('grace', {}, thing);
  grace.thing.doc.getText('notes').insert(0, 'mine');
  await saved(grace.thing);
  await ada.stream.request('200 widgetApp_useraction_uninvite', { user: 'grace' }, thing);
  await until('Grace is told', () => grace.thing.state === 'ended');
  assert.equal(grace.thing.why, 'the Thing is not shared with you any more');
  assert.equal(notes(grace.thing), 'mine');
  ada.end(), grace.end();
});

test('a withdrawn group ends the stream for good', async () => {
  const ada = await opened('ada');
  await server.admin('-group', 'designers', '-withdraw');
  await until('the stream has ended', () => ada.stream.state === 'ended');
  assert.equal(ada.thing.state, 'ended');
  await server.admin('-group', 'designers', '-approve');
  ada.end();
});

test('the types are those of the AsyncAPI document', () => {
  execFileSync(process.execPath, [new URL('../generate.mjs', import.meta.url).pathname, '--check']);
});
