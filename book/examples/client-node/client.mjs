// Shows the changes of a Thing and makes one: client.mjs THING, with an access token in WIDGETAPP_TOKEN.
// Runs in Node 22 or later, and in earlier ones with the package ws. In a browser it is nearly the same.
const WebSocket = globalThis.WebSocket ?? (await import('ws')).default;

const url = process.env.WIDGETAPP_URL ?? 'ws://127.0.0.1:8080/_stream';
const token = process.env.WIDGETAPP_TOKEN;
const thing = process.argv[2];

let since; // how far we have come in the Thing's log: epoch and offset
let edit = { key: 'checked-by-node', patch: [{ op: 'add', path: '/meta/checked', value: true }] };

const show = ({ offset, body }) => console.log(offset, body.user, JSON.stringify(body.patch));

// A WebSocket does not show why it was refused. A ticket is refused for the same reasons, and says them.
async function whyRefused() {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const address = new URL('/_ajax/ticket', url.replace(/^ws/, 'http'));
  const answer = await fetch(address, { method: 'POST', headers, body: JSON.stringify({ thing }) });
  return answer.ok ? {} : answer.json();
}

function stream() {
  let welcomed = false;
  // Browsers cannot send headers with a WebSocket, so the token stands among the subprotocols.
  const socket = new WebSocket(url, ['widgetapp.v1.json', `bearer.${token}`]);
  const send = (action, id, body) =>
    socket.send(JSON.stringify({ port: 200, name: `widgetApp_useraction_${action}`, id, thing, body }));

  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    const { id, name, offset, body, error } = message;
    if (error) {
      console.log('refused:', error.message);
    } else if (name === 'welcome') {
      welcomed = true;
      console.log('welcome,', body.user);
      send('open', 1, { since });
    } else if (id === 1) {
      console.log(body.recovered ? 'resumed' : `open: ${body.content.notes.trim()}`);
      body.missed?.forEach(show);
      since = { epoch: body.epoch, offset: body.offset };
      if (edit) send('edit', 2, edit); // its key makes it safe to send it again until it is acknowledged
    } else if (id === 2) {
      console.log('my edit is stored at', offset);
      since.offset = Math.max(since.offset, offset);
      edit = undefined;
    } else if (offset) {
      show(message);
      since.offset = offset;
    }
  };
  socket.onerror = () => {}; // a close follows
  socket.onclose = async ({ code }) => {
    console.log('closed with', code);
    if (code >= 4500) return; // coming back would not help
    const { status, detail, retry_after_ms } = welcomed ? {} : await whyRefused().catch(() => ({})); // or no connection
    if (status) console.log('refused with', status, detail);
    if (status >= 400 && status < 500 && status !== 429) return; // trying again would not help
    setTimeout(stream, retry_after_ms ?? 500 + Math.random() * 1500);
  };
}

stream();
