// A row of columns over time with one figure read out: the pointed-at or chosen one, else the last.
// What lives here: drawing and choosing. What does not: what the figures are.

const BOTTOM = 22 // px, for the labels below
const TOP = 16 // px, for the label of the highest line
const LABEL_WIDTH = 76 // px that a label below needs

// The next round figure, so that the highest line has one: 1, 2 or 5 and noughts.
export function roundUp (value) {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].find((step) => step * power >= value) * power
}

export default {
  name: 'EvColumns',
  props: {
    title: { type: String, required: true },
    points: { type: Array, required: true }, // { label, tick, value, text }
    height: { type: Number, default: 150 },
    format: { type: Function, required: true },
    tone: { type: String, default: 'a' }
  },
  data () { return { width: 320, chosen: null } },
  computed: {
    highest () { return roundUp(Math.max(0, ...this.points.map(({ value }) => value ?? 0))) },
    step () { return this.width / Math.max(1, this.points.length) },
    base () { return this.height - BOTTOM },
    shown () { return Math.min(this.chosen ?? this.points.length - 1, this.points.length - 1) },
    point () { return this.points[this.shown] ?? null },
    said () { return this.point ? `${this.point.label}: ${this.point.text ?? this.format(this.point.value)}` : '' },
    shape () { return this.points.map((point, index) => this.bar(index)).join('') },
    lines () {
      return [1, 0.5].map((part) => ({ y: this.y(this.highest * part), text: this.format(this.highest * part) }))
    },
    ticks () {
      const n = Math.max(1, Math.min(this.points.length, Math.floor(this.width / LABEL_WIDTH)))
      const every = Math.max(1, Math.ceil(this.points.length / n))
      return this.points
        .map((point, index) => ({ x: (index + 0.5) * this.step, text: point.tick, index }))
        .filter(({ index }) => index % every === Math.floor(every / 2))
        .filter(({ x }) => x > LABEL_WIDTH / 3 && x < this.width - LABEL_WIDTH / 3)
    }
  },
  mounted () {
    this.observer = new ResizeObserver(([entry]) => { this.width = Math.max(120, entry.contentRect.width) })
    this.observer.observe(this.$refs.plot)
  },
  unmounted () { this.observer.disconnect() },
  methods: {
    y (value) { return this.base - (value / this.highest) * (this.base - TOP) },
    bar (index) {
      const value = this.points[index]?.value
      if (!value) return ''
      const gap = this.step > 4 ? Math.min(4, this.step * 0.2) : 0
      const x = index * this.step + gap / 2
      const y = Math.min(this.y(value), this.base - 1)
      return `M${x.toFixed(2)} ${this.base}V${y.toFixed(2)}h${(this.step - gap).toFixed(2)}V${this.base}z`
    },
    point_at (event) {
      const box = this.$refs.plot.getBoundingClientRect()
      const index = Math.floor((event.clientX - box.left) / this.step)
      this.chosen = Math.max(0, Math.min(this.points.length - 1, index))
    },
    press (event) {
      const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7, Home: -Infinity, End: Infinity }
      if (!(event.key in moves)) return
      event.preventDefault()
      this.chosen = Math.max(0, Math.min(this.points.length - 1, this.shown + moves[event.key]))
    }
  },
  template: `
    <figure class="ev-chart" :class="'ev-tone-' + tone">
      <figcaption class="ev-chart__caption">
        <span class="ev-chart__title">{{ title }}</span>
        <span class="ev-chart__said">{{ said }}</span>
      </figcaption>
      <div ref="plot" class="ev-chart__plot" tabindex="0" role="slider" :aria-label="title" aria-valuemin="1"
           :aria-valuemax="points.length" :aria-valuenow="shown + 1" :aria-valuetext="said"
           @pointermove="point_at" @pointerdown="point_at" @pointerleave="chosen = null" @keydown="press">
        <svg :width="width" :height="height" aria-hidden="true">
          <line v-for="line in lines" class="ev-chart__line" :x1="0" :x2="width" :y1="line.y" :y2="line.y" />
          <line class="ev-chart__base" :x1="0" :x2="width" :y1="base" :y2="base" />
          <path class="ev-chart__bars" :d="shape" />
          <path v-if="chosen !== null" class="ev-chart__chosen" :d="bar(shown)" />
          <line v-if="chosen !== null" class="ev-chart__marker" :x1="(shown + 0.5) * step" :x2="(shown + 0.5) * step" :y1="0" :y2="base" />
          <text v-for="line in lines" :x="0" :y="line.y - 4">{{ line.text }}</text>
          <text v-for="tick in ticks" class="ev-chart__tick" :x="tick.x" :y="height - 6" text-anchor="middle">{{ tick.text }}</text>
        </svg>
      </div>
    </figure>`
}
