// Edits a Thing with the `ws` package: edit.js URL THING COUNT, the token in TOKEN.
// Prints the offset of each acknowledged edit.
const WebSocket = require('ws');

const [url, thing, count] = process.argv.slice(2);
const socket = new WebSocket(url, ['widgetapp.v1.json'], {
  headers: { Authorization: `Bearer ${process.env.TOKEN}` },
});
const fail = (why) => { console.error(why); process.exit(1); };
const edit = (id) => socket.send(JSON.stringify({
  port: 200,
  name: 'widgetApp_useraction_edit',
  id,
  thing,
  body: { key: `stock-${id}`, patch: [{ op: 'add', path: '/meta/stock', value: id }] },
}));

setTimeout(() => fail('it took too long'), 60000).unref();
socket.on('error', fail);
socket.on('close', (code) => process.exit(code === 1000 ? 0 : 1));
socket.on('message', (data, isBinary) => {
  if (isBinary) fail('a binary frame');
  const message = JSON.parse(data);
  if (message.name === 'welcome') return edit(1);
  if (!message.body || message.body.durable !== true) fail(data.toString());
  console.log(message.offset);
  if (message.id < Number(count)) edit(message.id + 1);
  else socket.close(1000);
});
