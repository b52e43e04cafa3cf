// The flows as Node-RED runs them, Dashboard 2's nodes with the others, in its own test helper, on a
// real broker; started by `test_flows.py`. What a browser makes of it: the tests in a browser.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'

const WITHIN_MS = 20000
process.chdir(process.env.EV_TEST_PACKAGES) // the helper looks for Node-RED from here
const packages = createRequire(`${process.env.EV_TEST_PACKAGES}/`)
const helper = packages('node-red-node-test-helper')
const CORE = ['common/25-status', 'function/10-function', 'network/05-tls', 'network/10-mqtt']
const DASHBOARD = ['config/ui_base', 'config/ui_group', 'config/ui_page', 'config/ui_theme', 'widgets/ui_template']
const FED_BY = { revenue_by_station: 'stations' }
// Cards whose panel has another name.

const infra = new URL('../../infra/nodered/', import.meta.url)
const read = (name) => JSON.parse(readFileSync(new URL(name, infra), 'utf8'))
const described = read('flows.json')
const cards = described.filter(({ id }) => id.startsWith('card-')).map(({ id }) => id)
const heard = new Map(cards.map((id) => [id, []]))
const mark = `mark-${process.pid}`
const clients = {}
const OPERATION_PANELS = ['users', 'stations', 'clusters', 'anomalies', 'models']
// Those that the publishing op's account may write; the worker's account writes the others.
const atWorker = []

async function until (isTrue, what) {
  const deadline = Date.now() + WITHIN_MS
  while (!isTrue()) {
    assert.ok(Date.now() < deadline, `${what} did not happen`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const panelOf = (card) => FED_BY[card.slice('card-'.length)] ?? card.slice('card-'.length)
const fed = cards.filter((id) => !['card-period', 'card-bar'].includes(id))
const panels = [...new Set(fed.map(panelOf))]
const emptyPanel = (panel) => ({ panel, mark, timezone: 'UTC', currency: 'EUR', data: { first_day: null, stations: [{ station_id: mark }] } })
const marked = (id) => heard.get(id).filter(({ payload }) => payload.mark === mark)

function keep (panel, document) {
  const account = OPERATION_PANELS.includes(panel) ? clients.dagster : clients.stream
  return account.publishAsync(`ev/dashboard/${panel}`, document, { qos: 1, retain: true })
}

before(async () => {
  const { EV_MQTT_HOST: host, EV_MQTT_PORT: port, EV_MQTT_CA_FILE: ca, EV_TEST_ACCOUNTS: accounts } = process.env
  for (const [username, password] of Object.entries(JSON.parse(accounts))) {
    clients[username] = await packages('mqtt').connectAsync({ protocol: 'mqtts', host, port, ca: readFileSync(ca), username, password, protocolVersion: 5 })
  }
  const worker = clients.stream
  worker.on('message', (topic, payload, packet) => atWorker.push({ topic, question: JSON.parse(payload), ...packet.properties }))
  await worker.subscribeAsync('ev/dashboard/request/+', { qos: 1 })
  for (const panel of panels) await keep(panel, JSON.stringify(emptyPanel(panel)))
  await worker.publishAsync('ev/stream/status', JSON.stringify({ state: 'online', mark }), { qos: 1, retain: true })
  helper.init(packages.resolve('node-red'))
  await new Promise((resolve) => helper.startServer(resolve))
  const modules = [
    ...CORE.map((name) => packages(`@node-red/nodes/core/${name}`)),
    ...DASHBOARD.map((name) => packages(`./node_modules/@flowfuse/node-red-dashboard/nodes/${name}.js`))
  ]
  await helper.load(modules, described, read('flows_cred.json'))
  for (const id of cards) helper.getNode(id).on('input', (msg) => heard.get(id).push(msg))
})

after(async () => {
  await helper.unload()
  await new Promise((resolve) => helper.stopServer(resolve))
  for (const panel of panels) await keep(panel, '')
  await clients.stream.publishAsync('ev/stream/status', '', { qos: 1, retain: true })
  for (const client of Object.values(clients)) await client.endAsync()
})

test('every node of the flows loads', () => {
  for (const { id, type } of described.filter(({ type }) => type !== 'tab')) {
    assert.equal(helper.getNode(id)?.type, type, id)
  }
})

test('each card gets the panel that it shows and no other, as the broker keeps it', async () => {
  await until(() => fed.every((id) => marked(id).length > 0), 'a panel for each card')
  for (const id of fed) assert.deepEqual(new Set(heard.get(id).map(({ payload }) => payload.panel)), new Set([panelOf(id)]), id)
})

test('the period page is offered what two panels tell', async () => {
  const offered = () => heard.get('card-period').map(({ payload }) => payload.choices)
  await until(() => offered().some((choices) => choices?.stations?.[0] === mark && choices.timezone === 'UTC'), 'an offer')
})

test('a question goes to the worker, and its answer to the browser that asked', async () => {
  const question = { query: 'period', from: '2026-01-01', to: '2026-01-31', station_id: mark }
  helper.getNode('card-period').send({ payload: { number: 7, ...question }, _client: { socketId: 'abc_-1' } })
  await until(() => atWorker.some((each) => each.question.station_id === mark), 'the question')
  const [asked, ...again] = atWorker.filter((each) => each.question.station_id === mark)
  assert.deepEqual(again, [])
  assert.equal(asked.topic, 'ev/dashboard/request/nodered')
  assert.deepEqual(asked.question, question)
  const properties = { correlationData: asked.correlationData }
  await clients.stream.publishAsync(asked.responseTopic, JSON.stringify({ n_sessions: 3 }), { qos: 1, properties })
  const answers = () => heard.get('card-period').filter(({ payload }) => payload.answer)
  await until(() => answers().length > 0, 'the answer')
  const [{ _client: client, payload }] = answers()
  assert.deepEqual(structuredClone([client, payload]), [{ socketId: 'abc_-1' }, { number: 7, answer: { n_sessions: 3 } }])
})

test('what is no JSON reaches no page', async () => {
  const before = heard.get('card-summary').length
  await clients.stream.publishAsync('ev/dashboard/summary', '<b>', { qos: 1 })
  await clients.stream.publishAsync('ev/dashboard/summary', JSON.stringify({ panel: 'summary', n: 2 }), { qos: 1 })
  await until(() => heard.get('card-summary').length > before, 'the next panel')
  assert.deepEqual(heard.get('card-summary').slice(before).map(({ payload }) => payload), [{ panel: 'summary', n: 2 }])
})

test('pages are told of the stream, and when the broker is lost', async () => {
  const told = () => heard.get('card-bar').at(-1)?.payload
  await until(() => told()?.worker?.mark === mark && told().is_connected, 'the state of the stream')
  helper.getNode('in-status').status({ fill: 'red', shape: 'ring', text: 'disconnected' })
  await until(() => told().is_connected === false, 'the loss')
  assert.equal(told().worker.mark, mark)
})
