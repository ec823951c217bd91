// Types into the notes of a Thing and shows what others type: editor.mjs THING, with an access token in
// WIDGETAPP_TOKEN. A page of the server's own asks for tickets with the login cookie, and needs no token.
import * as Y from 'yjs';
import { WebsocketProvider } from 'y-websocket';
const WebSocket = globalThis.WebSocket ?? (await import('ws')).default;

const server = process.env.WIDGETAPP_URL ?? 'http://127.0.0.1:8080';
const thing = process.argv[2];
const headers = { 'content-type': 'application/json', authorization: `Bearer ${process.env.WIDGETAPP_TOKEN}` };

const doc = new Y.Doc();
const notes = doc.getText('notes');
const provider = new WebsocketProvider(`${server.replace('http', 'ws')}/_stream/yjs`, thing, doc, {
  WebSocketPolyfill: WebSocket,
  connect: false,
});

// A ticket is good for one connection: there is a new one for each.
async function connect() {
  const answer = await fetch(`${server}/_ajax/ticket`, { method: 'POST', headers, body: JSON.stringify({ thing }) });
  provider.params = { ticket: (await answer.json()).ticket };
  provider.connect();
}
provider.on('connection-close', (event) => {
  provider.shouldConnect = false; // it would come back with the ticket that it has used
  if (!event || event.code < 4500) setTimeout(connect, 500 + Math.random() * 1500);
});

provider.once('sync', () => {
  console.log('open:', notes.toString().trim());
  notes.observe((_event, { local }) => local || console.log('now:', notes.toString().trim()));
  notes.insert(0, 'Typed in an editor. ');
});
await connect();
