// What can be asked about a period, and its file.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { asCsv, fault, fileName, preset } from '../../infra/nodered/browser/period.js'

const TODAY = '2026-11-24'

test('a ready-made period ends today', () => {
  assert.deepEqual(preset('today', TODAY), { from: TODAY, to: TODAY })
  assert.deepEqual(preset('week', TODAY), { from: '2026-11-18', to: TODAY })
  assert.deepEqual(preset('month', TODAY), { from: '2026-11-01', to: TODAY })
  assert.deepEqual(preset('quarter', TODAY), { from: '2026-10-01', to: TODAY })
  assert.deepEqual(preset('all', TODAY, '2018-03-01'), { from: '2018-03-01', to: TODAY })
})

test('all is not offered before the first day is known', () => {
  assert.equal(preset('all', TODAY, null), null)
})

test('each fault of dates is told apart', () => {
  const code = (from, to) => fault({ from, to }, TODAY)?.code ?? null
  assert.equal(code('', TODAY), 'missing_date')
  assert.equal(code('2026-11-02', '2026-11-01'), 'wrong_order')
  assert.equal(code('2026-11-25', '2026-11-26'), 'future')
  assert.equal(code(TODAY, '2026-12-31'), null)
  assert.equal(code(TODAY, TODAY), null)
})

test('a file has the figures of the answer, unrounded, and nothing for what is null', () => {
  const day = { day: TODAY, n_sessions: 1, total_energy_kwh: 16.756222562531903, total_cost: null }
  const answer = { by_day: [day], currency: 'EUR', timezone: 'Europe/Lisbon' }
  assert.equal(asCsv(answer), 'day,n_sessions,total_energy_kwh,total_cost,currency,timezone\n2026-11-24,1,16.756222562531903,,EUR,Europe/Lisbon\n')
})

test('a file is named by its question, with nothing that a disk could mistake', () => {
  assert.equal(fileName({ from: TODAY, to: TODAY, station_id: '../<b>' }), 'period_2026-11-24_2026-11-24_.._b_.csv')
})
