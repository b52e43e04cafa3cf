// Twelve weeks by weekday and hour of plug-in, on the reporting clock.
import * as format from '../format.js'
import Card from '../parts/card.js'

const HOURS = 24
const TONES = 5
// Steps of shade that an eye can still tell apart.

export default {
  components: { Card },
  props: { document: { type: Object, default: null } },
  data () { return { chosen: null } },
  computed: {
    data () { return this.document?.data },
    about () { return this.data?.first_day ? `Sessions by weekday and hour of plug-in, ${format.window(this.data)}, ${this.document.timezone}` : '' },
    most () { return Math.max(1, ...this.data.cells.map(({ n_sessions: n }) => n)) },
    rows () {
      return format.WEEKDAYS.map((name, index) => ({ name, cells: this.data.cells.slice(index * HOURS, (index + 1) * HOURS) }))
    },
    busiest () { return this.data.cells.reduce((most, cell, index, cells) => cell.n_sessions > cells[most].n_sessions ? index : most, 0) },
    shown () { return this.chosen ?? this.busiest },
    said () { return `${this.chosen === null ? 'Busiest: ' : ''}${this.tell(this.data.cells[this.shown])}` },
    steps () {
      const last = (tone) => Math.floor(this.most * tone / TONES) // sessions of the busiest hour with this shade
      return Array.from({ length: TONES + 1 }, (_, tone) => ({ tone, text: tone === 0 ? '0' : `≤ ${last(tone)}` }))
        .filter(({ tone }) => tone === 0 || last(tone) > last(tone - 1))
    }
  },
  methods: {
    tone (cell) { return Math.ceil(cell.n_sessions / this.most * TONES) },
    tell ({ weekday, hour, n_sessions: n, total_energy_kwh: energy }) {
      const two = (value) => String(value).padStart(2, '0')
      return `${format.WEEKDAYS[weekday - 1]} ${two(hour)}:00–${two(hour + 1)}:00, ${format.count(n, 'session')}, ${format.energy(energy)}`
    },
    press (event) {
      const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -HOURS, ArrowDown: HOURS }
      if (!(event.key in moves)) return
      event.preventDefault()
      this.chosen = Math.max(0, Math.min(7 * HOURS - 1, this.shown + moves[event.key]))
    }
  },
  template: `
    <card title="Time of day" :about="about" :document="document" :is-empty="!data?.first_day">
      <template #empty><p><strong>No session is stored.</strong></p></template>
      <p class="ev-chart__caption"><span class="ev-chart__title">Sessions</span><span class="ev-chart__said">{{ said }}</span></p>
      <div class="ev-heat" tabindex="0" role="slider" aria-label="Sessions by weekday and hour" aria-valuemin="1" aria-valuemax="168"
           :aria-valuenow="shown + 1" :aria-valuetext="said" @keydown="press" @pointerleave="chosen = null">
        <template v-for="(row, index) in rows" :key="row.name">
          <span class="ev-heat__day">{{ row.name }}</span>
          <span v-for="cell in row.cells" class="ev-heat__cell" :class="['ev-heat__cell--' + tone(cell), { 'ev-heat__cell--chosen': chosen === index * 24 + cell.hour }]"
                @pointerenter="chosen = index * 24 + cell.hour"></span>
        </template>
        <span></span>
        <span v-for="hour in [0, 6, 12, 18]" class="ev-heat__hour" :key="hour">{{ String(hour).padStart(2, '0') }}:00</span>
      </div>
      <p class="ev-legend"><span>Sessions in an hour:</span><span v-for="step in steps" :key="step.tone" class="ev-legend__step"><i :class="'ev-heat__cell--' + step.tone"></i>{{ step.text }}</span></p>
    </card>`
}
