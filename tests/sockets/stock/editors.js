// Two editors with Yjs and the stock provider of y-websocket. Asks for kills on standard output ("kill _sfe") and
// waits for "killed" on standard input. Ends with 0 if both have all that was typed, in one order, and so has a third.
const assert = require('assert')
const readline = require('readline')
const Y = require('yjs')
const { WebsocketProvider } = require('y-websocket')
const WebSocket = require('ws')

const [url, thing] = process.argv.slice(2)
const server = `${url.replace('http', 'ws')}/_stream/yjs`
const options = { WebSocketPolyfill: WebSocket, disableBc: true }
const closed = []

function editor (name, token, more) {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(server, thing, doc, { ...options, ...more })
  provider.on('connection-close', event => closed.push(`${name} ${event?.code}`))
  return { name, doc, provider, notes: doc.getText('notes') }
}

const byToken = (name, token) => editor(name, token, { protocols: ['widgetapp.v1.yjs', `bearer.${token}`] })

async function ticket (token) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(`${url}/_ajax/ticket`, { method: 'POST', headers, body: JSON.stringify({ thing }) })
  assert.equal(answer.status, 200)
  return (await answer.json()).ticket
}

// A ticket is good once: each connection asks for its own.
function byTicket (name, token) {
  const made = editor(name, token, { connect: false })
  const connect = async () => { made.provider.params = { ticket: await ticket(token) }; made.provider.connect() }
  made.provider.on('connection-close', () => { made.provider.shouldConnect = false; setTimeout(connect, 100) })
  connect()
  return made
}

async function until (what, holds) {
  for (const end = Date.now() + 20000; !holds(); await new Promise(resolve => setTimeout(resolve, 10))) {
    assert.ok(Date.now() < end, `not within 20 s: ${what()}`)
  }
}

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
async function kill (kind) {
  console.log(`kill ${kind}`)
  assert.equal((await lines.next()).value, 'killed')
}

async function main () {
  const ada = byToken('ada', process.env.ADA)
  const grace = byTicket('grace', process.env.GRACE)
  const both = [ada, grace]
  await until(() => 'both are synced', () => both.every(({ provider }) => provider.synced))
  assert.match(ada.notes.toString(), /^Ada owns this/)

  const typed = []
  const type = () => both.forEach(({ name, notes }) => {
    typed.push(`<${name} ${typed.length}>`)
    notes.insert(0, typed.at(-1))
  })
  const together = async () => {
    const state = () => both.map(({ notes }) => notes.toString())
    await until(state, () => state()[0] === state()[1] && typed.every(text => state()[0].includes(text)))
  }
  for (const kind of ['_sfe', '_wfe', '_sfe']) {
    type()
    const killed = kill(kind)
    type()
    await killed
    type()
    await together()
  }
  assert.deepEqual(closed, [], 'no connection was lost')

  // Without a network, and then with their connections killed.
  ada.provider.disconnect()
  type()
  ada.provider.connect()
  type()
  await together()
  await kill('_stream')
  type()
  await together()

  // Awareness: who says what, under their own names.
  grace.provider.awareness.setLocalStateField('user', { name: 'ada', color: '#000000' })
  const seen = () => ada.provider.awareness.getStates().get(grace.doc.clientID)?.user?.name
  await until(seen, () => seen() === 'grace')

  const third = byToken('third', process.env.GRACE)
  await until(() => third.notes.toString(), () => third.notes.toString() === ada.notes.toString())
  console.log(`${typed.length} insertions, ${closed.length} connections lost and taken up again`)
  process.exit(0)
}

main().catch(error => { console.error(error); process.exit(1) })
