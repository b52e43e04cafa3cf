// Each function node's code, run as Node-RED runs it: a function of a message and a context.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

function node (name) {
  const code = readFileSync(new URL(`../../infra/nodered/functions/${name}.js`, import.meta.url), 'utf8')
  const stored = new Map()
  const context = { get: (key) => stored.get(key), set: (key, value) => stored.set(key, value) }
  const run = new Function('msg', 'context', code)
  return (msg) => run(msg, context)
}

test('a question goes with the way back to the browser that asked', () => {
  const question = { number: 7, query: 'period', from: '2026-01-01', to: '2026-01-31', station_id: null }
  const sent = node('ask_period')({ payload: question, _client: { socketId: 'abc_-1' } })
  assert.equal(sent.responseTopic, 'ev/answers/nodered/period/abc_-1')
  assert.equal(sent.correlationData.toString(), '7')
  assert.deepEqual(sent.payload, { query: 'period', from: '2026-01-01', to: '2026-01-31', station_id: null })
})

test('an answer goes to the browser that asked, with its question’s number', () => {
  const heard = { topic: 'ev/answers/nodered/period/abc_-1', correlationData: Buffer.from('7'), payload: { n_sessions: 3 } }
  assert.deepEqual(node('answer_period')(heard), { _client: { socketId: 'abc_-1' }, payload: { number: 7, answer: { n_sessions: 3 } } })
})

test('what the period page offers comes from two panels, in any order', () => {
  const offer = node('period_choices')
  offer({ payload: { panel: 'stations', data: { stations: [{ station_id: 'A' }] } } })
  const both = offer({ payload: { panel: 'summary', timezone: 'Europe/Lisbon', currency: 'EUR', data: { first_day: '2018-03-04' } } })
  assert.deepEqual(both.payload.choices, { stations: ['A'], first_day: '2018-03-04', timezone: 'Europe/Lisbon', currency: 'EUR' })
})

test('the state of the stream keeps what the worker said while the broker is away', () => {
  const state = node('stream_state')
  state({ status: { fill: 'green' } })
  assert.deepEqual(state({ payload: { state: 'online' } }).payload, { is_connected: true, worker: { state: 'online' } })
  assert.deepEqual(state({ status: { fill: 'red' } }).payload, { is_connected: false, worker: { state: 'online' } })
})
