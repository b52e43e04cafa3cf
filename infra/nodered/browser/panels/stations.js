// Each of the stations with most sessions: use, energy, idle time, place, and when last used.
import * as format from '../format.js'
import Card from '../parts/card.js'
import Map from '../parts/map.js'

const SHOWN = 20
const OLD_DAYS = 14
// Not used for two weeks, where the network was: worth a look.

const COLUMNS = ['Sessions', 'Energy', 'Energy a day', 'Time taken', 'Idle after charging', 'Without energy', 'Last used']

export default {
  components: { Card, EvMap: Map },
  props: { document: { type: Object, default: null } },
  data () { return { isLong: false, sought: '' } },
  computed: {
    columns: () => COLUMNS,
    data () { return this.document?.data },
    stations () { return this.data?.stations ?? [] },
    about () {
      if (!this.stations.length) return ''
      return `The ${format.number(this.stations.length)} with most sessions of ${format.number(this.data.n_stations)}; time taken over ${format.days(this.data.first_day, this.data.last_day)}, ${this.document.timezone}`
    },
    found () {
      const sought = this.sought.trim().toLowerCase()
      return this.stations.filter((station) => `${station.station_id} ${station.name ?? ''}`.toLowerCase().includes(sought))
    },
    rows () {
      return this.found.slice(0, this.isLong || this.sought ? undefined : SHOWN).map((station) => ({
        id: station.station_id,
        name: station.name,
        isOld: this.isOld(station),
        cells: [
          format.number(station.n_sessions), format.energy(station.total_energy_kwh), format.energy(station.daily_energy_kwh),
          format.share(station.utilisation.occupied_share), this.idle(station), format.number(station.n_no_energy), format.day(station.last_session_day)
        ]
      }))
    },
    rest () { return this.sought ? 0 : this.found.length - SHOWN },
    places () {
      return this.stations.filter((station) => station.latitude !== null && station.longitude !== null).map((station) => ({
        id: `${station.scope}/${station.station_id}`, latitude: station.latitude, longitude: station.longitude, size: station.n_sessions, isOld: this.isOld(station),
        text: `${station.name ?? station.station_id}: ${format.count(station.n_sessions, 'session')}, last on ${format.day(station.last_session_day)}`
      }))
    }
  },
  methods: {
    isOld (station) { return format.daysBetween(station.last_session_day, this.data.last_day) > OLD_DAYS },
    idle (station) {
      if (station.mean_idle_h === null) return 'not known'
      const covered = station.idle_share < 1 ? ` (of ${format.share(station.idle_share)})` : ''
      return `${format.hours(station.mean_idle_h)}${covered}`
    }
  },
  template: `
    <card title="Stations" :about="about" :document="document" :is-empty="stations.length === 0">
      <template #empty><p><strong>No station has a stored session.</strong></p></template>
      <ev-map v-if="places.length" :places="places" />
      <p v-if="places.length" class="ev-legend"><span class="ev-legend__step"><i class="ev-map__key"></i>used in the last ${OLD_DAYS} days</span><span class="ev-legend__step"><i class="ev-map__key ev-map__key--old"></i>not used in the last ${OLD_DAYS} days</span><span>the larger, the more sessions</span></p>
      <p v-else class="ev-note">No station’s place is known: load a registry of stations to see a map.</p>
      <div class="ev-form"><div class="ev-field"><label for="ev-sought">Find a station</label><input id="ev-sought" v-model="sought" type="search" autocomplete="off"></div></div>
      <div class="ev-scroll" tabindex="0" role="region" aria-label="Stations">
        <table class="ev-table ev-stack">
          <thead><tr><th scope="col">Station</th><th v-for="column in columns" :key="column" scope="col" class="ev-number">{{ column }}</th></tr></thead>
          <tbody><tr v-for="row in rows" :key="row.id">
            <th scope="row" class="ev-name">{{ row.id }}<span v-if="row.name" class="ev-muted"> · {{ row.name }}</span></th>
            <td v-for="(cell, index) in row.cells" :key="index" class="ev-number" :data-label="columns[index]">{{ cell }}</td>
          </tr></tbody>
        </table>
      </div>
      <p v-if="rows.length === 0" class="ev-note">No station’s id or name has that in it.</p>
      <button v-if="rest > 0" type="button" class="ev-button" @click="isLong = !isLong">{{ isLong ? 'Show fewer' : 'Show ' + rest + ' more' }}</button>
      <p class="ev-note">Time taken: plugged in, over the time of all connectors; – where nobody knows how many there are. Without energy: attempts that were refused or brought none.</p>
    </card>`
}
