// What each station earned, of those with most sessions.
import * as format from '../format.js'
import Bars from '../parts/bars.js'
import Card from '../parts/card.js'

const SHOWN = 15

export default {
  components: { Bars, Card },
  props: { document: { type: Object, default: null } },
  data () { return { isLong: false } },
  computed: {
    priced () {
      return (this.document?.data.stations ?? []).filter((station) => station.total_cost !== null)
        .sort((one, other) => other.total_cost - one.total_cost)
    },
    earning () { return this.priced.filter((station) => station.total_cost > 0) },
    rows () {
      return this.earning.slice(0, this.isLong ? undefined : SHOWN).map((station) => ({
        name: station.station_id,
        note: format.perKwh(station.cost_per_kwh, this.document.currency),
        value: station.total_cost,
        text: format.money(station.total_cost, this.document.currency)
      }))
    },
    about () { return this.document ? `All time; ${this.priced.length} of ${format.count(this.document.data.n_stations, 'station')} have a session with a price in ${this.document.currency}` : '' },
    rest () { return this.earning.length - SHOWN },
    free () {
      const n = this.priced.length - this.earning.length
      return n ? `At ${this.earning.length ? 'the ' : ''}${format.count(n, this.earning.length ? 'other station' : 'station')}, every session with a price was free.` : ''
    }
  },
  template: `
    <card title="Revenue by station" :about="about" :document="document" :is-empty="priced.length === 0">
      <template #empty><p><strong>No station has a session with a price.</strong></p></template>
      <bars v-if="rows.length" caption="Stations by revenue" is-wide :columns="['Station', 'Revenue']" :rows="rows" />
      <p v-if="free" class="ev-note">{{ free }}</p>
      <button v-if="rest > 0" type="button" class="ev-button" @click="isLong = !isLong">{{ isLong ? 'Show fewer' : 'Show ' + rest + ' more' }}</button>
    </card>`
}
