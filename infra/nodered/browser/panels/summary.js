// All stored sessions in a few figures; the last 30 days beside the 30 before.
import * as format from '../format.js'
import Card from '../parts/card.js'
import Figure from '../parts/figure.js'

export default {
  components: { Card, EvFigure: Figure },
  props: { document: { type: Object, default: null } },
  computed: {
    data () { return this.document?.data },
    about () {
      if (!this.document?.n_sessions) return ''
      return `All ${format.count(this.document.n_sessions, 'stored session')}; the latest ended ${format.moment(this.data.last_session_at, this.document.timezone)}, ${this.document.timezone}`
    },
    figures () {
      const { data, document: { currency } } = this
      const unpriced = data.n_cost_null + data.n_other_currency
      return [
        { name: 'Sessions', value: format.number(data.n_sessions), note: [format.count(data.n_stations, 'station'), ...(data.n_users ? [format.count(data.n_users, 'user')] : [])].join(', ') },
        { name: 'Energy', value: format.energy(data.total_energy_kwh), note: `${format.energy(data.mean_energy_kwh)} a session` },
        { name: 'Plugged in', value: format.hours(data.total_duration_h), note: `${format.hours(data.mean_duration_h)} a session` },
        { name: 'Revenue', value: format.money(data.total_cost, currency), note: unpriced ? `${format.number(unpriced)} without a price in ${currency}` : '' },
        { name: 'Price', value: format.perKwh(data.cost_per_kwh, currency), note: 'over priced sessions' },
        { name: 'In quarantine', value: format.number(this.document.n_excluded), note: 'different records, not stored' }
      ]
    },
    compared () {
      const { recent, before } = this.data
      if (!recent || before.n_sessions === 0) return []
      const { currency } = this.document
      const rows = [
        ['Sessions', 'n_sessions', format.number],
        ['Energy', 'total_energy_kwh', format.energy],
        ['Mean energy', 'mean_energy_kwh', format.energy],
        ['Mean time plugged in', 'mean_duration_h', format.hours],
        ['Revenue', 'total_cost', (value) => format.money(value, currency)],
        ['Price', 'cost_per_kwh', (value) => format.perKwh(value, currency)]
      ]
      return rows.map(([name, field, tell]) => ({
        name, recent: tell(recent[field]), before: tell(before[field]), change: format.change(recent[field], before[field]) ?? format.NOTHING
      }))
    },
    incomparable () {
      return `No session starts in the 30 days before (${this.beforeDays}), so there is nothing to compare ${this.recentDays} with.`
    },
    recentDays () { return format.days(this.data.recent.first_day, this.data.recent.last_day) },
    beforeDays () { return format.days(this.data.before.first_day, this.data.before.last_day) }
  },
  template: `
    <card title="Summary" :about="about" :document="document" :is-empty="data?.n_sessions === 0">
      <template #empty>
        <p><strong>No session is stored.</strong></p>
        <p>Load a file with <code>ev-pipeline load SOURCE FILE</code>, or send sessions to the broker: they appear here at once.</p>
      </template>
      <dl class="ev-figures"><ev-figure v-for="figure in figures" v-bind="figure" :key="figure.name" /></dl>
      <div v-if="compared.length" class="ev-scroll" tabindex="0" role="region" aria-label="The last 30 days and the 30 before">
        <table class="ev-table ev-table--compact">
          <thead><tr>
            <th scope="col">30 days</th><th scope="col" class="ev-number">{{ recentDays }}</th>
            <th scope="col" class="ev-number">{{ beforeDays }}</th><th scope="col" class="ev-number">Change</th>
          </tr></thead>
          <tbody><tr v-for="row in compared" :key="row.name">
            <th scope="row">{{ row.name }}</th><td class="ev-number"><strong>{{ row.recent }}</strong></td>
            <td class="ev-number">{{ row.before }}</td><td class="ev-number">{{ row.change }}</td>
          </tr></tbody>
        </table>
      </div>
      <p v-else class="ev-note">{{ incomparable }}</p>
    </card>`
}
