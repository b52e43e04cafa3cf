// The registry's newest versions, and which of them labels.
import * as format from '../format.js'
import Card from '../parts/card.js'

export default {
  components: { Card },
  props: { document: { type: Object, default: null } },
  computed: {
    data () { return this.document?.data },
    about () { return this.document ? `${format.count(this.data.n_versions, 'version')}; times in ${this.document.timezone}` : '' },
    rows () {
      return this.data.versions.map((each) => ({
        ...each, trained: format.moment(each.trained_at, this.document.timezone), promoted: format.moment(each.promoted_at, this.document.timezone),
        verdict: each.verdict ?? format.NOTHING, reason: each.reason ?? format.NOTHING
      }))
    }
  },
  template: `
    <card title="Models" :about="about" :document="document" :is-empty="data?.versions.length === 0">
      <template #empty><p><strong>No model has been trained.</strong></p><p><code>ev-pipeline run retrain</code> trains one; it also runs every night.</p></template>
      <div class="ev-scroll" tabindex="0" role="region" aria-label="Models">
        <table class="ev-table ev-stack">
          <thead><tr><th scope="col">Version</th><th scope="col">Trained</th><th scope="col">Labels since</th><th scope="col">Verdict</th><th scope="col">Why</th></tr></thead>
          <tbody><tr v-for="row in rows" :key="row.version">
            <th scope="row">{{ row.version }} <span v-if="row.is_champion" class="ev-tag ev-tag--good">labels now</span></th>
            <td class="ev-time" data-label="Trained">{{ row.trained }}</td><td class="ev-time" data-label="Labels since">{{ row.promoted }}</td><td data-label="Verdict">{{ row.verdict }}</td><td class="ev-remarks" data-label="Why">{{ row.reason }}</td>
          </tr></tbody>
        </table>
      </div>
    </card>`
}
