// Figures and times as people read them.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as format from '../../infra/nodered/browser/format.js'

test('a figure has its unit, thousands and no more digits than mean something', () => {
  assert.equal(format.energy(131301.76), '131,302 kWh')
  assert.equal(format.energy(16.756222562531903), '16.8 kWh')
  assert.equal(format.hours(48250.186111111114), '48,250 h')
  assert.equal(format.hours(0.7447222222222223), '45 min')
  assert.equal(format.money(30968.53, 'EUR'), '30,968.53 EUR')
  assert.equal(format.perKwh(0.2515962149066435, 'EUR'), '0.252 EUR/kWh')
  assert.equal(format.perKwh(0.00003, 'GBP'), '< 0.001 GBP/kWh')
  assert.equal(format.share(0.02788486250321254), '2.8\u202f%')
  assert.equal(format.count(1, 'session'), '1 session')
})

test('what is not known is a dash, and never 0', () => {
  for (const tell of [format.energy, format.hours, format.share, format.number, format.day]) {
    assert.equal(tell(null), '–')
  }
  assert.equal(format.money(null, 'EUR'), '–')
  assert.equal(format.energy(0), '0.0 kWh')
})

test('a change has its sign, and there is none from nothing', () => {
  assert.equal(format.change(112, 100), '+12\u202f%')
  assert.equal(format.change(95, 100), '−5.0\u202f%')
  assert.equal(format.change(5, 0), null)
  assert.equal(format.change(null, 5), null)
})

test('a moment is told on the clock of the reporting zone, also where the clock changes', () => {
  assert.equal(format.moment('2025-03-30T00:59:00+00:00', 'Europe/Lisbon'), '30 Mar 2025, 00:59')
  assert.equal(format.moment('2025-03-30T01:00:00+00:00', 'Europe/Lisbon'), '30 Mar 2025, 02:00')
  assert.equal(format.moment('2025-06-30T23:30:00+00:00', 'Europe/Lisbon'), '1 Jul 2025, 00:30')
  assert.equal(format.isoDay(Date.parse('2025-06-30T23:30:00Z'), 'Europe/Lisbon'), '2025-07-01')
})

test('a day is told as it is, wherever the reader sits', () => {
  assert.equal(format.day('2026-01-01'), '1 Jan 2026')
  assert.equal(format.weekday('2026-11-24'), 'Tue')
  assert.equal(format.addDays('2024-02-28', 1), '2024-02-29')
  assert.equal(format.addDays('2026-01-01', -1), '2025-12-31')
})

test('an age grows from seconds to days', () => {
  const now = Date.parse('2026-11-24T12:00:00Z')
  const ago = (seconds) => format.age(new Date(now - seconds * 1000).toISOString(), now)
  assert.deepEqual([0, 3, 150, 7200, 400000].map(ago), ['just now', '3 s ago', '2 min ago', '2 h ago', '4 days ago'])
})

test('a code is told in words, with its units', () => {
  assert.deepEqual(['no_energy', 'under_0_5_kwh'].map(format.words), ['no energy', 'under 0.5 kWh'])
})

test('days that a chart leaves out are told', () => {
  const shown = { first_day: '2025-10-14', last_day: '2026-11-30' }
  assert.equal(format.window({ ...shown, n_days_left_out: 0 }), '14 Oct 2025 to 30 Nov 2026')
  assert.match(format.window({ ...shown, n_days_left_out: 1330 }), /without 1,330 days on which no session starts$/)
})
