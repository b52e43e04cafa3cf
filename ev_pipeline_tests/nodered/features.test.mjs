// What is said of a cluster, and of why a session is in it.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { busiestHour, deciding, typical } from '../../infra/nodered/browser/features.js'
import { hourOfDay } from '../../infra/nodered/browser/format.js'

const KINDS = ['to 7.4 kW', 'to 22 kW', 'to 60 kW', 'over 60 kW', 'unknown']
const CLUSTER = {
  median_duration_h: 8.06, median_energy_kwh: 11.24, start_hour: 8.35, median_power_kw: 6.93,
  weekday_shares: [0.2, 0.2, 0.2, 0.2, 0.1, 0.06, 0.04], station_shares: [0.1, 0.8, 0.1, 0, 0]
}

test('a typical session is told in words', () => {
  assert.deepEqual(typical(CLUSTER, KINDS), [
    'Plugged in around 08:20, stays 8.1 h and takes 11.2 kWh, at about 6.9 kW.',
    '10\u202f% start on a Saturday or Sunday; 80\u202f% at stations of up to 22 kW.'
  ])
  assert.match(typical({ ...CLUSTER, station_shares: [0, 0, 0, 0, 1] }, KINDS)[1], /100\u202f% at stations of unknown power/)
})

test('before a full run only what is known is told', () => {
  const unknown = { start_hour: null, median_power_kw: null, weekday_shares: null, station_shares: null }
  assert.deepEqual(typical({ ...CLUSTER, ...unknown }, KINDS), ['Typically stays 8.1 h and takes 11.2 kWh.'])
})

test('hours of the day go round at midnight', () => {
  assert.deepEqual([0, 8.5, 23.999, 24].map(hourOfDay), ['00:00', '08:30', '00:00', '00:00'])
  const shares = Array(24).fill(0)
  shares[23] = 1
  assert.equal(busiestHour(shares), 'most from 23:00 to 00:00 (100\u202f%)')
})

test('what speaks for a cluster and what against it is told apart', () => {
  const feature = (name, share) => ({ feature: name, value: 2, typical: 3, next_typical: 9, share })
  const said = deciding({ features: [feature('duration_h', 1.2), feature('start_hour', 0), feature('energy_kwh', -0.4)] })
  assert.deepEqual(said.map(({ name, value, says }) => [name, value, says]), [
    ['Stay', '2.0 h', '75\u202f% of the weight, for it'], ['Plugged in', '02:00', 'says nothing'], ['Energy', '2.0 kWh', '25\u202f% of the weight, for the next']
  ])
  assert.equal(said[1].text, 'typically 03:00, in the next 09:00')
})
