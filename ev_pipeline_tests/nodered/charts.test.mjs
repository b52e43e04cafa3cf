// What charts and maps are made of.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { boxOf, holds, kmAt, tilesOf, toPlane, viewOf } from '../../infra/nodered/browser/mercator.js'
import { roundUp } from '../../infra/nodered/browser/parts/columns.js'
import { byDay, byMonth, monthsOf } from '../../infra/nodered/browser/parts/use.js'

const LISBON = { longitude: -9.14, latitude: 38.72 }
const PLACES = [LISBON, { longitude: -9.4, latitude: 38.6 }].map(toPlane)
const SCREEN = { width: 1000, height: 400, edge: 20, leastKm: 4 }

test('the highest line of a chart is round, also by half, and not far above the highest column', () => {
  assert.deepEqual([0, 1, 3.4, 246, 2800, 0.504].map(roundUp), [1, 1, 4, 300, 3000, 0.6])
})

test('days and months say where others are left out before them', () => {
  const pauses = (rows, naming) => rows.map((row, index) => naming(row, index, rows).isAfterPause)
  assert.deepEqual(pauses(['2025-12-30', '2025-12-31', '2026-11-28'].map((day) => ({ day })), byDay), [false, false, true])
  assert.deepEqual(pauses(['2024-02', '2024-03', '2024-05'].map((month) => ({ month })), byMonth), [false, false, true])
})

test('months are sums of their days, and what no day knows stays unknown', () => {
  const day = (day, total_cost) => ({ day, n_sessions: 2, total_energy_kwh: 3, total_duration_h: 4, total_cost })
  assert.deepEqual(monthsOf([day('2025-01-30', null), day('2025-01-31', null), day('2025-02-01', 5)]), [
    { month: '2025-01', n_sessions: 4, total_energy_kwh: 6, total_duration_h: 8, total_cost: null },
    { month: '2025-02', n_sessions: 2, total_energy_kwh: 3, total_duration_h: 4, total_cost: 5 }
  ])
})

test('all places are seen, with an edge, and one alone with what is around it', () => {
  const view = viewOf(PLACES, SCREEN)
  for (const { x, y } of PLACES) {
    const [left, top] = [(x - view.west) / view.perPx, (y - view.north) / view.perPx]
    assert.ok(left >= 19.9 && left <= 980.1 && top >= 19.9 && top <= 380.1)
  }
  const alone = viewOf([toPlane(LISBON)], SCREEN)
  assert.ok(Math.abs(alone.perPx * alone.height * kmAt(alone.north + alone.perPx * alone.height / 2) - 4) < 0.01)
  assert.ok(holds(boxOf(view, 0.5), boxOf(view)) && !holds(boxOf(view), boxOf(view, 0.5)))
})

test('tiles cover what is seen, at about their own size, and are asked of the named server', () => {
  const view = viewOf(PLACES, SCREEN)
  const tiles = tilesOf(view, 'tiles/{z}/{x}/{y}.png')
  assert.ok(tiles.every(({ size }) => size > 170 && size < 370))
  assert.ok(Math.min(...tiles.map(({ left }) => left)) <= 0 && Math.max(...tiles.map(({ left, size }) => left + size)) >= 1000)
  assert.ok(Math.min(...tiles.map(({ top }) => top)) <= 0 && Math.max(...tiles.map(({ top, size }) => top + size)) >= 400)
  assert.match(tiles[0].address, /^tiles\/12\/19\d\d\/15\d\d\.png$/)
  assert.deepEqual(toPlane({ longitude: -180, latitude: 90 }).x, 0)
  assert.ok(toPlane({ longitude: 0, latitude: 90 }).y > -0.001)
})
