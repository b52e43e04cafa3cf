// Places as dots, north up, with a scale; no tiles, and nothing of other hosts. What lives here:
// where a dot goes. What does not: what it stands for.

const HEIGHT = 300 // px
const EDGE = 24 // px around the outermost dots
const KM_A_DEGREE = 111.2 // of latitude, to a per cent
const SMALLEST_KM = 1 // a single place is shown with this much around it

export default {
  name: 'EvMap',
  props: { places: { type: Array, required: true } }, // { id, latitude, longitude, size, isOld, text }
  data () { return { width: 320, chosen: null } },
  computed: {
    middle () {
      const between = (values) => (Math.min(...values) + Math.max(...values)) / 2
      return { latitude: between(this.places.map((place) => place.latitude)), longitude: between(this.places.map((place) => place.longitude)) }
    },
    kmADegreeEast () { return KM_A_DEGREE * Math.cos(this.middle.latitude * Math.PI / 180) },
    dots () {
      return this.places.map((place) => ({ ...place, east: (place.longitude - this.middle.longitude) * this.kmADegreeEast, north: (place.latitude - this.middle.latitude) * KM_A_DEGREE }))
    },
    pxAKm () {
      const reach = (of, size) => (size - 2 * EDGE) / 2 / Math.max(SMALLEST_KM / 2, ...this.dots.map((dot) => Math.abs(dot[of])))
      return Math.min(reach('east', this.width), reach('north', HEIGHT))
    },
    scaleKm () { return [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((km) => km * this.pxAKm < this.width / 3).pop() ?? 0.1 },
    height () { return HEIGHT },
    biggest () { return Math.max(1, ...this.places.map(({ size }) => size)) },
    said () { return this.chosen === null ? `${this.places.length} places; point at one` : this.places[this.chosen].text }
  },
  mounted () {
    this.observer = new ResizeObserver(([entry]) => { this.width = Math.max(160, entry.contentRect.width) })
    this.observer.observe(this.$refs.plot)
  },
  unmounted () { this.observer.disconnect() },
  methods: {
    x (dot) { return this.width / 2 + dot.east * this.pxAKm },
    y (dot) { return HEIGHT / 2 - dot.north * this.pxAKm },
    radius (dot) { return 4 + 8 * Math.sqrt(dot.size / this.biggest) },
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
          <circle v-for="(dot, index) in dots" :key="dot.id" class="ev-map__dot" :class="{ 'ev-map__dot--old': dot.isOld, 'ev-map__dot--chosen': chosen === index }"
                  :cx="x(dot)" :cy="y(dot)" :r="radius(dot)" @pointerenter="chosen = index" @pointerdown="chosen = index" />
          <path class="ev-map__scale" :d="'M12 ' + (height - 20) + 'v8h' + scaleKm * pxAKm + 'v-8'" />
          <text x="16" :y="height - 18">{{ scaleKm }} km</text>
          <text :x="width - 24" y="18">N ↑</text>
        </svg>
      </div>
    </figure>`
}
