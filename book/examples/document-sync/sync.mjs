// Brings what was drawn without a network to a Thing, over the stream: sync.mjs THING, with an access token in
// WIDGETAPP_TOKEN.
import * as Y from 'yjs';
import * as sync from 'y-protocols/sync';
import { createDecoder } from 'lib0/decoding';
import { createEncoder, toUint8Array } from 'lib0/encoding';
const WebSocket = globalThis.WebSocket ?? (await import('ws')).default;

const server = process.env.WIDGETAPP_URL ?? 'http://127.0.0.1:8080';
const thing = process.argv[2];
const protocols = ['widgetapp.v1.json', `bearer.${process.env.WIDGETAPP_TOKEN}`];

// What a program has kept: in a real one it comes from a file.
const doc = new Y.Doc();
const parts = doc.getMap('parts');
const seat = { kind: 'box', x: 400, y: 40, w: 60, h: 60, label: new Y.Text('Drawn on a train') };
parts.set('seat', new Y.Map(Object.entries(seat)));

const socket = new WebSocket(`${server.replace('http', 'ws')}/_stream`, protocols);
const send = (message) => socket.send(JSON.stringify({ thing, ...message }));
const written = (write) => {
  const encoder = createEncoder();
  write(encoder);
  return Buffer.from(toUint8Array(encoder)).toString('base64');
};
let id = 0;
const sendSync = (data) => send({ port: 201, name: 'sync', id: ++id, body: { data } });

socket.onmessage = ({ data: text }) => {
  const { port, name, error, body } = JSON.parse(text);
  if (error) throw new Error(error.message);
  if (name === 'welcome') {
    send({ port: 200, name: 'widgetApp_useraction_open', id: ++id, body: { as: 'yjs' } });
  } else if (name === 'widgetApp_useraction_open') {
    console.log('open; step 1: this is what we have');
    sendSync(written((encoder) => sync.writeSyncStep1(encoder, doc)));
  } else if (port === 201 && body.data) {
    // Step 2 is taken into the document, step 1 is answered by a step 2.
    const decoder = createDecoder(Buffer.from(body.data, 'base64'));
    const answer = written((encoder) => {
      const step = sync.readSyncMessage(decoder, encoder, doc, 'server');
      console.log(step === sync.messageYjsSyncStep1 ? 'the server lacks something: step 2' : 'the server had more');
    });
    if (answer) sendSync(answer);
  } else if (port === 201) {
    console.log(body.durable ? 'stored' : 'not stored', 'as change', body.offset);
    for (const part of [...parts.values()]) console.log('-', part.get('label').toString());
    socket.close(1000);
  }
};
