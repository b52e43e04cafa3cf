// A list of sessions with their labels. What lives here: the table. What does not: which sessions.
import * as format from '../format.js'
import Cluster from './cluster.js'
import Why from './why.js'

const HOUR_MS = 3600000

export default {
  name: 'EvSessions',
  components: { Cluster, Why },
  props: {
    sessions: { type: Array, required: true },
    zone: { type: String, required: true },
    caption: { type: String, required: true },
    isAllOdd: { type: Boolean, default: false } // then none of them is marked as such
  },
  methods: {
    format: () => format,
    started (session) { return format.moment(session.started_at, this.zone) },
    duration (session) { return format.hours((Date.parse(session.ended_at) - Date.parse(session.started_at)) / HOUR_MS) },
    energy (session) { return format.energy(session.energy_kwh) },
    remarks (session) {
      const reasons = session.anomaly_reasons ?? []
      const told = reasons.map(({ message }) => message)
      if (session.is_anomaly && told.length === 0) told.push('unlike other sessions')
      const others = session.quality_codes.filter((code) => !reasons.some((reason) => reason.code === code))
      return others.length ? [...told, `${told.length ? 'also ' : ''}${others.map(format.words).join(', ')}`] : told
    }
  },
  template: `
    <div class="ev-scroll" tabindex="0" role="region" :aria-label="caption">
      <table class="ev-table ev-sessions">
        <caption class="ev-hidden">{{ caption }}</caption>
        <thead><tr>
          <th scope="col">Plugged in</th><th scope="col">Station</th><th scope="col" class="ev-number">Duration</th>
          <th scope="col" class="ev-number">Energy</th><th scope="col">Cluster</th><th scope="col">Remarks</th>
        </tr></thead>
        <tbody>
          <tr v-for="session in sessions" :key="session.session_id" :data-session="session.source_session_id">
            <td class="ev-time">{{ started(session) }}</td>
            <td class="ev-name">{{ session.station_id }}<span v-if="session.connector_id" class="ev-muted"> · {{ session.connector_id }}</span></td>
            <td class="ev-number">{{ duration(session) }}</td>
            <td class="ev-number">{{ energy(session) }}</td>
            <td><cluster :number="session.kmeans_cluster" :name="session.cluster_name" /></td>
            <td class="ev-remarks">
              <span v-if="session.is_anomaly && !isAllOdd" class="ev-tag ev-tag--warning">odd</span>
              <ul class="ev-reasons"><li v-for="remark in remarks(session)" :key="remark">{{ remark }}</li></ul>
              <why v-if="session.cluster_reasons" :reasons="session.cluster_reasons" />
            </td>
          </tr>
        </tbody>
      </table>
    </div>`
}
