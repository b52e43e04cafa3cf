// A map's own plane: the web's Mercator, the whole world a square of side 1, north up. What lives
// here: pure functions between degrees, the plane and the squares of a tile server. What does not:
// the page, and the shapes of countries (`outlines`).

export const TILE_PX = 256

const DEEPEST_ZOOM = 18
// What tile servers have everywhere.

const EARTH_KM = 40075
// Around the equator, which is the side of the plane.

const NORTHMOST = 85.05
// Degrees of latitude; the poles themselves lie infinitely far away.

export function toPlane ({ longitude, latitude }) {
  const sine = Math.sin(Math.max(-NORTHMOST, Math.min(NORTHMOST, latitude)) * Math.PI / 180)
  return { x: (longitude + 180) / 360, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) }
}

// How many kilometres a length of 1 on the plane is, at that height of it.
export function kmAt (y) {
  return EARTH_KM / Math.cosh((1 - 2 * y) * Math.PI)
}

// What is seen of the plane: all points with an edge around them, and at least so many kilometres.
export function viewOf (points, { width, height, edge, leastKm }) {
  const between = (values) => [Math.min(...values), Math.max(...values)]
  const [west, east] = between(points.map(({ x }) => x))
  const [north, south] = between(points.map(({ y }) => y))
  const middle = { x: (west + east) / 2, y: (north + south) / 2 }
  const least = leastKm / kmAt(middle.y)
  const perPx = Math.max((east - west) / (width - 2 * edge), (south - north) / (height - 2 * edge), least / Math.min(width, height))
  return { perPx, west: middle.x - perPx * width / 2, north: middle.y - perPx * height / 2, width, height }
}

export function boxOf ({ west, north, perPx, width, height }, around = 0) {
  const [besides, above] = [perPx * width * around, perPx * height * around]
  return [west - besides, north - above, west + perPx * width + besides, north + perPx * height + above]
}

export function holds (outer, inner) {
  return outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3]
}

// The squares of a tile server that cover what is seen, and where each goes on the screen.
export function tilesOf (view, address) {
  const zoom = Math.max(0, Math.min(DEEPEST_ZOOM, Math.round(Math.log2(1 / (view.perPx * TILE_PX)))))
  const count = 2 ** zoom
  const side = 1 / count
  const [west, north, east, south] = boxOf(view)
  const tiles = []
  for (let row = Math.max(0, Math.floor(north / side)); row < Math.min(count, south / side); row++) {
    for (let column = Math.floor(west / side); column < east / side; column++) {
      const values = { z: zoom, x: ((column % count) + count) % count, y: row }
      tiles.push({
        address: address.replace(/\{([xyz])\}/g, (_, name) => values[name]),
        left: (column * side - view.west) / view.perPx, top: (row * side - view.north) / view.perPx, size: side / view.perPx
      })
    }
  }
  return tiles
}
