// What happened from one day to another: asked, answered by the worker, shown.
// An answer is taken only if it belongs to the last question of this page.
import { clock } from '../clock.js'
import * as format from '../format.js'
import Card from '../parts/card.js'
import Columns from '../parts/columns.js'
import Figure from '../parts/figure.js'
import { byDay, byMonth, energyPoints, monthsOf, sessionPoints } from '../parts/use.js'
import { asCsv, fault, fileName, preset } from '../period.js'

const SLOW_MS = 3000
// An answer takes well under a second; later than this the reader is told that it still is awaited.

const LOST_MS = 20000
// By then the question or its answer is lost.

const MOST_DAYS = 1100
// Three years: more columns than that no screen tells apart, and months are shown.

const PRESETS = [['today', 'Today'], ['week', '7 days'], ['month', 'This month'], ['quarter', 'This quarter'], ['all', 'All']]

export default {
  components: { Card, Columns, EvFigure: Figure },
  props: {
    document: { type: Object, default: null }, widget: { type: String, required: true },
    send: { type: Function, required: true }, socket: { type: Object, required: true }
  },
  data () {
    return { presets: PRESETS, from: '', to: '', station: '', chosen: '', choices: {}, number: 0, asked: null, answered: null, isTableOpen: false }
  },
  computed: {
    zone () { return this.choices.timezone ?? 'UTC' },
    today () { return format.isoDay(clock.nowMs, this.zone) },
    fault () { return this.asked?.fault ?? null },
    waitedMs () { return this.asked && !this.asked.fault && !this.isAnswered ? Math.max(0, clock.nowMs - this.asked.atMs) : 0 },
    isAnswered () { return this.answered !== null && this.answered.number === this.asked?.number },
    error () { return this.isAnswered ? this.answered.answer.error ?? null : null },
    report () { return this.isAnswered && !this.answered.answer.error ? Vue.markRaw(this.answered.answer) : null },
    state () {
      if (!this.asked) return 'unasked'
      if (this.fault) return this.fault.code
      if (this.error) return this.error.code
      if (this.isAnswered) return this.report.n_sessions === 0 ? 'empty' : 'answered'
      return this.waitedMs > LOST_MS ? 'lost' : this.waitedMs > SLOW_MS ? 'slow' : 'asking'
    },
    isWrong () { return ['missing_date', 'wrong_order', 'future'].includes(this.state) },
    days () { return format.days(this.report.from, this.report.to) },
    of () { return `${this.days}, ${this.report.timezone}${this.asked.question.station_id ? `, station ${this.asked.question.station_id}` : ', all stations'}` },
    // What is left open all day is of when it was asked.
    age () { return format.age(new Date(this.asked.atMs).toISOString(), clock.nowMs) },
    figures () {
      const { report } = this
      const unpriced = [[report.n_cost_null, 'without a price'], [report.n_other_currency, 'in another currency']].filter(([n]) => n)
      return [
        { name: 'Sessions', value: format.number(report.n_sessions) },
        { name: 'Energy', value: format.energy(report.total_energy_kwh), note: `${format.energy(report.mean_energy_kwh)} a session` },
        { name: 'Plugged in', value: format.hours(report.total_duration_h), note: `${format.hours(report.mean_duration_h)} a session` },
        { name: 'Revenue', value: format.money(report.total_cost, report.currency), note: unpriced.map(([n, what]) => `${format.number(n)} ${what}`).join(', ') },
        { name: 'In quarantine', value: format.number(report.n_excluded), note: 'different records, not stored' }
      ]
    },
    isLong () { return this.report.by_day.length > MOST_DAYS },
    unit () { return this.isLong ? 'month' : 'day' },
    parts () { return this.isLong ? monthsOf(this.report.by_day) : this.report.by_day },
    sessions () { return sessionPoints(this.parts, this.isLong ? byMonth : byDay) },
    energies () { return energyPoints(this.parts, this.isLong ? byMonth : byDay) },
    rows () {
      return this.parts.map((row) => ({
        day: this.isLong ? format.month(row.month) : format.day(row.day), sessions: format.number(row.n_sessions), energy: format.energy(row.total_energy_kwh),
        duration: format.hours(row.total_duration_h), cost: format.money(row.total_cost, this.report.currency)
      }))
    }
  },
  watch: { document: { immediate: true, handler: 'learn' } },
  mounted () {
    this.heard = (message) => this.learn(message.payload)
    this.socket.on(`msg-input:${this.widget}`, this.heard)
    if (!this.from) this.take('week')
  },
  unmounted () { this.socket.off(`msg-input:${this.widget}`, this.heard) },
  methods: {
    energy: format.energy,
    number_of (value) { return format.number(value) },
    learn (payload) {
      if (payload?.choices) this.choices = payload.choices
      if (payload?.answer && payload.number === this.asked?.number) this.answered = payload
    },
    take (name) {
      const days = preset(name, this.today, this.choices.first_day)
      if (!days) return
      Object.assign(this, days, { chosen: name })
      this.ask()
    },
    ask () {
      const question = { query: 'period', from: this.from, to: this.to, station_id: this.station.trim() || null }
      this.asked = { number: ++this.number, question, atMs: Date.now(), fault: fault(question, this.today) }
      if (!this.asked.fault) this.send({ payload: { number: this.asked.number, ...question } })
    },
    changed () {
      this.chosen = ''
      this.ask()
    },
    download () {
      const link = window.document.createElement('a')
      link.href = URL.createObjectURL(new Blob([asCsv(this.report)], { type: 'text/csv' }))
      link.download = fileName(this.asked.question)
      link.click()
      URL.revokeObjectURL(link.href)
    }
  },
  template: `
    <card title="Period" :about="'Days from midnight to midnight in ' + zone + ', both included; a session belongs to the day on which it starts'" is-asked>
      <div class="ev-buttons" role="group" aria-label="Ready-made periods">
        <button v-for="[name, text] in presets" :key="name" type="button" class="ev-button" :aria-pressed="chosen === name"
                :disabled="name === 'all' && !choices.first_day" @click="take(name)">{{ text }}</button>
      </div>
      <form class="ev-form" @submit.prevent="changed">
        <div class="ev-field"><label for="ev-from">First day</label><input id="ev-from" v-model="from" type="date" :aria-invalid="isWrong" aria-describedby="ev-period-state" @change="changed"></div>
        <div class="ev-field"><label for="ev-to">Last day</label><input id="ev-to" v-model="to" type="date" :aria-invalid="isWrong" aria-describedby="ev-period-state" @change="changed"></div>
        <div class="ev-field"><label for="ev-station">Station, or empty for all</label><input id="ev-station" v-model="station" list="ev-stations" autocomplete="off" maxlength="255" @change="changed"></div>
        <datalist id="ev-stations"><option v-for="id in choices.stations" :key="id" :value="id"></option></datalist>
        <button class="ev-button">Show</button>
      </form>
      <div id="ev-period-state" role="status" :data-state="state">
        <p v-if="fault || error" class="ev-state ev-state--error">{{ (fault || error).message }}</p>
        <p v-else-if="state === 'asking'" class="ev-state">Asking…</p>
        <p v-else-if="state === 'slow'" class="ev-state">The answer takes longer than usual. It is still awaited.</p>
        <p v-else-if="state === 'lost'" class="ev-state ev-state--error">No answer came. The stream may be down: ev-pipeline status. <button type="button" class="ev-button" @click="ask">Ask again</button></p>
        <p v-else-if="state === 'empty'" class="ev-state">No stored session starts then ({{ of }}). {{ report.n_excluded ? 'Refused records that would: ' + report.n_excluded + '.' : '' }} Choose other days, or another station.</p>
      </div>
      <template v-if="state === 'answered'">
        <p class="ev-card__about ev-period__of">{{ of }}; asked {{ age }}</p>
        <dl class="ev-figures" data-report><ev-figure v-for="figure in figures" v-bind="figure" :key="figure.name" /></dl>
        <columns :title="'Energy by ' + unit" :points="energies" :format="energy" />
        <columns :title="'Sessions by ' + unit" :points="sessions" :format="number_of" tone="b" is-count />
        <p v-if="isLong" class="ev-note">So many days are shown by month; the file has each day.</p>
        <button type="button" class="ev-button" @click="download">Download these days (CSV)</button>
        <details @toggle="isTableOpen = $event.target.open">
          <summary>The same as a table</summary>
          <div v-if="isTableOpen" class="ev-scroll" tabindex="0" role="region" :aria-label="'By ' + unit">
            <table class="ev-table ev-table--compact">
              <thead><tr><th scope="col">{{ isLong ? 'Month' : 'Day' }}</th><th scope="col" class="ev-number">Sessions</th><th scope="col" class="ev-number">Energy</th><th scope="col" class="ev-number">Plugged in</th><th scope="col" class="ev-number">Revenue</th></tr></thead>
              <tbody><tr v-for="row in rows" :key="row.day"><td>{{ row.day }}</td><td class="ev-number">{{ row.sessions }}</td><td class="ev-number">{{ row.energy }}</td><td class="ev-number">{{ row.duration }}</td><td class="ev-number">{{ row.cost }}</td></tr></tbody>
            </table>
          </div>
        </details>
      </template>
    </card>`
}
