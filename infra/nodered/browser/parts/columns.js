// A row of columns over time with one figure read out: the pointed-at or chosen one, else the last.
// What lives here: drawing and choosing. What does not: what the figures are.

const BOTTOM = 22 // px, for the labels below
const TOP = 16 // px, for the label of the highest line
const LABEL_WIDTH = 76 // px that a label below needs
const LETTER_WIDTH = 8 // px that a letter of a label beside needs at most
const BESIDE = [0, 92] // px that labels beside get at least, in a narrow chart and in a wide one
const WIDE = 480 // px

const ORDINARY = 0.97 // of the columns: the axis is theirs where the rest are so many times higher
const TOO_HIGH = 3

const ROUND = [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10]
// Figures that are round, and round also by half.

// The next round figure, so that the highest line and the one in the middle have one.
export function roundUp (value) {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return Number((ROUND.find((step) => step * power >= value) * power).toPrecision(2))
}

export default {
  name: 'EvColumns',
  props: {
    title: { type: String, required: true },
    points: { type: Array, required: true }, // { label, tick, value, text, isAfterPause }
    height: { type: Number, default: 150 },
    format: { type: Function, required: true },
    tone: { type: String, default: 'a' },
    none: { type: String, default: '' }, // said in place of a chart without a column
    isCount: { type: Boolean, default: false } // of things, of which there are no halves
  },
  data () { return { width: 320, chosen: null } },
  computed: {
    values () { return this.points.map(({ value }) => value ?? 0).filter((value) => value > 0).sort((one, other) => one - other) },
    // What the axis goes up to. A few columns that are many times higher would make all others flat.
    highest () {
      const most = this.values.at(-1) ?? 0
      const ordinary = this.values[Math.floor((this.values.length - 1) * ORDINARY)] ?? 0
      const round = roundUp(most > TOO_HIGH * ordinary ? 1.5 * ordinary : most)
      return this.isCount ? Math.ceil(round) : round
    },
    nCut () { return this.values.filter((value) => value > this.highest).length },
    cut () {
      if (!this.nCut) return ''
      return `${this.nCut === 1 ? '1 column is' : `${this.nCut} columns are`} cut off at the top: up to ${this.format(this.values.at(-1))}.`
    },
    left () { return Math.max(BESIDE[this.width > WIDE ? 1 : 0], 8 + LETTER_WIDTH * Math.max(...this.lines.map(({ text }) => text.length))) },
    step () { return (this.width - this.left) / Math.max(1, this.points.length) },
    base () { return this.height - BOTTOM },
    shown () { return Math.min(this.chosen ?? this.points.length - 1, this.points.length - 1) },
    point () { return this.points[this.shown] ?? null },
    said () { return this.point ? `${this.point.label}: ${this.point.text ?? this.format(this.point.value)}` : '' },
    shape () { return this.points.map((point, index) => this.bar(index)).join('') },
    // A gap near the top of each column that is cut off.
    gaps () {
      return this.points.map(({ value }, index) => value > this.highest ? `M${(this.left + index * this.step).toFixed(2)} ${TOP + 10}l${this.step.toFixed(2)} -5` : '').join('')
    },
    lines () {
      const parts = this.isCount && this.highest % 2 ? [1] : [1, 0.5]
      return parts.map((part) => ({ y: this.y(this.highest * part), text: this.format(this.highest * part) }))
    },
    pauses () {
      return this.points.map(({ isAfterPause }, index) => isAfterPause ? this.left + index * this.step : null).filter((x) => x !== null)
    },
    ticks () {
      const n = Math.max(1, Math.min(this.points.length, Math.floor((this.width - this.left) / LABEL_WIDTH)))
      const every = Math.max(1, Math.ceil(this.points.length / n))
      return this.points
        .map((point, index) => ({ x: this.middle(index), text: point.tick, index }))
        .filter(({ index }) => index % every === Math.floor(every / 2))
        .filter(({ x }) => x < this.width - LABEL_WIDTH / 3)
    }
  },
  mounted () {
    this.observer = new ResizeObserver(([entry]) => { this.width = Math.max(120, entry.contentRect.width) })
    this.observer.observe(this.$refs.plot)
  },
  unmounted () { this.observer.disconnect() },
  methods: {
    middle (index) { return this.left + (index + 0.5) * this.step },
    y (value) { return this.base - Math.min(1.06, value / this.highest) * (this.base - TOP) },
    bar (index) {
      const value = this.points[index]?.value
      if (!value) return ''
      const gap = this.step > 4 ? Math.min(4, this.step * 0.2) : 0
      const x = this.left + index * this.step + gap / 2
      const y = Math.min(this.y(value), this.base - 1)
      return `M${x.toFixed(2)} ${this.base}V${y.toFixed(2)}h${(this.step - gap).toFixed(2)}V${this.base}z`
    },
    point_at (event) {
      const box = this.$refs.plot.getBoundingClientRect()
      const index = Math.floor((event.clientX - box.left - this.left) / this.step)
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
        <span v-if="!none || values.length" class="ev-chart__said">{{ said }}</span>
      </figcaption>
      <p v-if="none && values.length === 0" class="ev-note">{{ none }}</p>
      <div v-show="!none || values.length" ref="plot" class="ev-chart__plot" tabindex="0" role="slider" :aria-label="title" aria-valuemin="1"
           :aria-valuemax="points.length" :aria-valuenow="shown + 1" :aria-valuetext="said"
           @pointermove="point_at" @pointerdown="point_at" @pointerleave="chosen = null" @keydown="press">
        <svg :width="width" :height="height" aria-hidden="true">
          <line v-for="line in lines" class="ev-chart__line" :x1="left" :x2="width" :y1="line.y" :y2="line.y" />
          <line class="ev-chart__base" :x1="left" :x2="width" :y1="base" :y2="base" />
          <path class="ev-chart__bars" :d="shape" />
          <path v-if="chosen !== null" class="ev-chart__chosen" :d="bar(shown)" />
          <path v-if="nCut" class="ev-chart__cut" :d="gaps" />
          <line v-if="chosen !== null" class="ev-chart__marker" :x1="middle(shown)" :x2="middle(shown)" :y1="0" :y2="base" />
          <line v-for="x in pauses" class="ev-chart__pause" :x1="x" :x2="x" :y1="0" :y2="base" />
          <text v-for="line in lines" :x="left - 8" :y="line.y + 4" text-anchor="end">{{ line.text }}</text>
          <text v-for="tick in ticks" class="ev-chart__tick" :x="tick.x" :y="height - 6" text-anchor="middle">{{ tick.text }}</text>
        </svg>
      </div>
      <p v-if="nCut" class="ev-note">{{ cut }}</p>
    </figure>`
}
