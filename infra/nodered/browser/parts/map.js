// Places as dots on coasts and borders that come with the page, north up, with a scale; on squares of
// a tile server where the operator names one. What lives here: the drawing. What does not: where
// things are (`mercator`), the shapes (`outlines`), and what a dot stands for.
import { boxOf, holds, kmAt, tilesOf, toPlane, viewOf } from '../mercator.js'

const LEAST_PX = 300
const MOST_PX = 560
const EDGE = 28 // px around the outermost dots
const LEAST_KM = 4 // a single place is shown with this much around it
const AROUND = 0.5 // of the view: so much more is asked for, that a wider window has it already
const SHORE_KM = 2.5 // as wide as the shapes may err: where a coast lies in it, nobody knows

const SCALES_KM = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]

// One for all visits of the page: what was told last, and the tile server.
const told = Vue.shallowReactive({ outlines: null, tiles: null })

fetch('/ev/map.json').then((answer) => answer.json()).then(({ tiles }) => { told.tiles = tiles })

function tell (box) {
  const worker = new Worker('/ev/outlines.js', { type: 'module' })
  worker.onmessage = ({ data }) => {
    told.outlines = data
    worker.terminate() // the shapes take more memory than the rest of the page
  }
  worker.postMessage(box)
}

export default {
  name: 'EvMap',
  props: { places: { type: Array, required: true } }, // { id, latitude, longitude, size, isOld, text }
  data () { return { width: 320, chosen: null } },
  computed: {
    height () { return Math.round(Math.max(LEAST_PX, Math.min(MOST_PX, this.width * 0.4))) },
    points () { return this.places.map(toPlane) },
    view () { return viewOf(this.points, { width: this.width, height: this.height, edge: EDGE, leastKm: LEAST_KM }) },
    pxAKm () { return 1 / (this.view.perPx * kmAt(this.view.north + this.view.perPx * this.height / 2)) },
    scaleKm () { return SCALES_KM.filter((km) => km * this.pxAKm < this.width / 3).pop() ?? SCALES_KM[0] },
    biggest () { return Math.max(1, ...this.places.map(({ size }) => size)) },
    dots () {
      return this.places.map((place, index) => ({ ...place, x: this.x(this.points[index].x), y: this.y(this.points[index].y), radius: 4 + 8 * Math.sqrt(place.size / this.biggest) }))
    },
    said () { return this.chosen === null ? `${this.places.length} places; point at one` : this.places[this.chosen].text },
    tiles () { return told.tiles ? tilesOf(this.view, told.tiles.address) : [] },
    source () { return told.tiles ? told.tiles.attribution : this.shorePx > 6 ? 'Coast, to about 1 km: Natural Earth' : 'Coasts and borders: Natural Earth' },
    shorePx () { return Math.max(1, SHORE_KM * this.pxAKm) },
    outlines () {
      if (!told.outlines) return null
      const path = (lines, end) => lines.map((line) => `M${line.map(([x, y]) => `${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`).join('L')}${end}`).join('')
      return { land: path(told.outlines.land, 'z'), borders: path(told.outlines.borders, '') }
    }
  },
  watch: { view: 'look' },
  mounted () {
    this.observer = new ResizeObserver(([entry]) => {
      this.width = Math.max(160, entry.contentRect.width)
      this.look(this.view)
    })
    this.observer.observe(this.$refs.plot)
  },
  unmounted () { this.observer.disconnect() },
  methods: {
    x (onPlane) { return (onPlane - this.view.west) / this.view.perPx },
    y (onPlane) { return (onPlane - this.view.north) / this.view.perPx },
    look (view) {
      const box = boxOf(view, AROUND)
      if (this.asked && holds(this.asked, boxOf(view))) return
      this.asked = box
      if (!told.outlines || !holds(told.outlines.box, boxOf(view))) tell(box)
    },
    press (event) {
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key]
      if (!step) return
      event.preventDefault()
      const next = this.chosen === null ? 0 : this.chosen + step
      this.chosen = Math.max(0, Math.min(this.places.length - 1, next))
    }
  },
  template: `
    <figure class="ev-chart">
      <figcaption class="ev-chart__caption"><span class="ev-chart__title">Where they are</span><span class="ev-chart__said">{{ said }}</span></figcaption>
      <div ref="plot" class="ev-map" tabindex="0" role="slider" aria-label="Stations on a map" aria-valuemin="1" :aria-valuemax="places.length"
           :aria-valuenow="(chosen ?? 0) + 1" :aria-valuetext="said" @keydown="press" @pointerleave="chosen = null">
        <svg :width="width" :height="height" aria-hidden="true">
          <g v-if="outlines"><path class="ev-map__land" fill-rule="evenodd" :stroke-width="shorePx" :d="outlines.land" /><path class="ev-map__coast" :d="outlines.land" /><path class="ev-map__border" :d="outlines.borders" /></g>
          <image v-for="tile in tiles" :key="tile.address" :href="tile.address" :x="tile.left" :y="tile.top" :width="tile.size" :height="tile.size" />
          <circle v-for="(dot, index) in dots" :key="dot.id" class="ev-map__dot" :class="{ 'ev-map__dot--old': dot.isOld, 'ev-map__dot--chosen': chosen === index }"
                  :cx="dot.x" :cy="dot.y" :r="dot.radius" @pointerenter="chosen = index" @pointerdown="chosen = index" />
          <path class="ev-map__scale" :d="'M12 ' + (height - 20) + 'v8h' + scaleKm * pxAKm + 'v-8'" />
          <text x="16" :y="height - 18">{{ scaleKm }} km</text>
          <text :x="width - 12" y="18" text-anchor="end">N ↑</text>
          <text :x="width - 12" :y="height - 10" text-anchor="end">{{ source }}</text>
        </svg>
      </div>
    </figure>`
}
