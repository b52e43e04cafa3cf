// Colours of clusters as colour-blind people see them, and words as everybody reads them.
// Machado, Oliveira, Fernandes (2009), doi 10.1109/TVCG.2009.113: what each kind of eye sees, at full
// severity. WCAG 2.1: contrast.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const EYES = {
  usual: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
}
const TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
const WHITE = [0.95047, 1, 1.08883]
const LEAST_DIFFERENCE = 15 // CIE 1976; from about 10 on, colours of small areas beside each other differ at a glance
const LEAST_CONTRAST = 4.5 // WCAG AA

const css = readFileSync(new URL('../../infra/nodered/browser/theme.css', import.meta.url), 'utf8')
const linear = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
  .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
const times = (matrix, vector) => matrix.map((row) => row.reduce((sum, factor, at) => sum + factor * vector[at], 0))

function lab (hex, eye) {
  const seen = times(EYES[eye], linear(hex)).map((part) => Math.min(1, Math.max(0, part)))
  const [x, y, z] = times(TO_XYZ, seen).map((part, at) => part / WHITE[at])
    .map((part) => part > 0.008856 ? Math.cbrt(part) : 7.787 * part + 16 / 116)
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

test('every eye tells the colours of clusters apart', () => {
  const colours = [...css.matchAll(/\.ev-cluster--\d \{ --ev-cluster: (#\w{6}); \}/g)].map(([, hex]) => hex)
  assert.equal(colours.length, 8)
  for (const eye of Object.keys(EYES)) {
    colours.forEach((one, at) => colours.slice(at + 1).forEach((other) => {
      const difference = Math.hypot(...lab(one, eye).map((part, index) => part - lab(other, eye)[index]))
      assert.ok(difference >= LEAST_DIFFERENCE, `${one} and ${other}, ${eye}: ${difference.toFixed(1)}`)
    }))
  }
})

test('words stand out from what is behind them, in the light and in the dark', () => {
  const [light, dark] = css.split('@media (prefers-color-scheme: dark)')
    .map((part) => Object.fromEntries([...part.matchAll(/--ev-([\w-]+): (#\w{6});/g)].map(([, name, hex]) => [name, hex])))
  const luminance = (hex) => times(TO_XYZ, linear(hex))[1]
  for (const theme of [light, { ...light, ...dark }]) {
    const pairs = ['ink', 'muted', 'accent'].flatMap((name) => [[name, 'card'], [name, 'page']])
    for (const [ink, ground] of [...pairs, ['good-ink', 'good'], ['warning-ink', 'warning'], ['error-ink', 'error']]) {
      const [low, high] = [luminance(theme[ink]), luminance(theme[ground])].sort((a, b) => a - b)
      assert.ok((high + 0.05) / (low + 0.05) >= LEAST_CONTRAST, `${ink} on ${ground}`)
    }
  }
})
