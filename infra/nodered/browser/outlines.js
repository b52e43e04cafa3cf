// Coasts and borders about a place, from Natural Earth's shapes. What lives here: the work of a thread
// of its own, since a page must not wait for it: it is told a box of the plane (`mercator`) and tells
// rings of land and lines of borders in it. What does not: drawing them.
import { clipPolygon, clipPolyline } from '/ev/lineclip/index.js'
import { feature, mesh } from '/ev/topojson-client/index.js'
import { toPlane } from './mercator.js'

// The finest shapes are of several megabytes: a wide view gets coarser ones, which look the same there.
function scaleOf ([west, , east]) {
  const degrees = (east - west) * 360
  return degrees > 60 ? '110m' : degrees > 12 ? '50m' : '10m'
}

const onPlane = ([longitude, latitude]) => {
  const { x, y } = toPlane({ longitude, latitude })
  return [x, y]
}

function touches (ring, [west, north, east, south]) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const [x, y] of ring) {
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  return left <= east && right >= west && top <= south && bottom >= north
}

onmessage = async ({ data: box }) => {
  const shapes = await (await fetch(`/ev/world-atlas/countries-${scaleOf(box)}.json`)).json()
  const { land, countries } = shapes.objects
  const rings = feature(shapes, land).features.flatMap(({ geometry }) => geometry.coordinates.flat()).map((ring) => ring.map(onPlane))
  const lines = mesh(shapes, countries, (one, other) => one !== other).coordinates.map((line) => line.map(onPlane))
  postMessage({
    box,
    land: rings.filter((ring) => touches(ring, box)).map((ring) => clipPolygon(ring, box)).filter(({ length }) => length),
    borders: lines.filter((line) => touches(line, box)).flatMap((line) => clipPolyline(line, box))
  })
}
