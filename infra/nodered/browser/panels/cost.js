// What sessions cost: in all, by month, and by hour of twelve weeks; and what has no price.
import * as format from '../format.js'
import Card from '../parts/card.js'
import Columns from '../parts/columns.js'
import Figure from '../parts/figure.js'
import { byMonth } from '../parts/use.js'

export default {
  components: { Card, Columns, EvFigure: Figure },
  props: { document: { type: Object, default: null } },
  computed: {
    data () { return this.document?.data },
    currency () { return this.document.currency },
    figures () {
      const { data, currency } = this
      const others = data.currencies.filter((each) => each.currency !== currency)
      return [
        { name: 'Revenue', value: format.money(data.total_cost, currency), note: `${format.count(data.n_sessions, 'stored session')}` },
        { name: 'Price', value: format.perKwh(data.cost_per_kwh, currency), note: `over ${format.energy(data.priced_energy_kwh)} with a price` },
        { name: 'Without a price', value: format.count(data.n_cost_null, 'session'), note: 'their cost is unknown, not 0' },
        { name: 'In another currency', value: format.count(data.n_other_currency, 'session'), note: others.map((each) => `${each.currency === 'XXX' ? 'unknown' : each.currency} ${format.number(each.cost, 2)}`).join(', ') || `all prices are in ${currency}` }
      ]
    },
    months () {
      return this.data.by_month.map((row, index, rows) => ({ ...byMonth(row, index, rows), value: row.total_cost, text: this.told(row) }))
    },
    hours () {
      return this.data.by_hour.hours.map((row) => {
        const hour = `${String(row.hour).padStart(2, '0')}:00`
        return { label: `From ${hour}`, tick: hour, value: row.cost_per_kwh, text: this.told(row) }
      })
    },
    hourDays () { return format.window(this.data.by_hour) }
  },
  methods: {
    money (value) { return format.money(value, this.currency).replace(/\.00 /, ' ') },
    price (value) { return format.perKwh(value, this.currency) },
    told (row) {
      if (row.total_cost === null) return row.n_sessions ? `${format.count(row.n_sessions, 'session')}, none with a price` : 'no session'
      return `${format.money(row.total_cost, this.currency)}, ${format.perKwh(row.cost_per_kwh, this.currency)}`
    }
  },
  template: `
    <card title="Revenue" :about="document ? 'Prices in ' + currency + ', months and hours in ' + document.timezone : ''" :document="document" :is-empty="data?.n_sessions === 0">
      <template #empty><p><strong>No session is stored.</strong></p></template>
      <dl class="ev-figures"><ev-figure v-for="figure in figures" v-bind="figure" :key="figure.name" /></dl>
      <p v-if="data.total_cost === null" class="ev-state">No stored session has a price in {{ currency }}. Another reporting currency is set by EV_CURRENCY.</p>
      <div v-else class="ev-pair">
        <columns title="Revenue by month" :points="months" :format="money" none="Every session with a price was free." />
        <div><columns title="Price by hour of plug-in" :points="hours" :format="price" tone="b" none="Every session of these weeks with a price was free." /><p class="ev-note">{{ hourDays }}</p></div>
      </div>
    </card>`
}
