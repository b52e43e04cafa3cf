// What the champion's clusters are like; or that there are none.
import * as format from '../format.js'
import Card from '../parts/card.js'
import Cluster, { clusterName } from '../parts/cluster.js'

const NO_STRUCTURE = 'no structure'

export default {
  components: { Card, Cluster },
  props: { document: { type: Object, default: null } },
  computed: {
    data () { return this.document?.data },
    about () { return this.document?.model_version ? `${format.count(this.data.n_labelled, 'labelled session')}, model ${this.document.model_version}` : '' },
    isShapeless () { return this.data?.verdict === NO_STRUCTURE },
    rows () {
      return this.data.clusters.map((each) => ({
        number: each.kmeans_cluster, name: each.cluster_name, share: each.share, shareText: format.share(each.share),
        cells: [format.number(each.n_sessions), format.number(each.n_noise), format.number(each.n_anomalies)],
        words: `typically ${format.energy(each.median_energy_kwh)} in ${format.hours(each.median_duration_h)}`,
        key: clusterName(each.kmeans_cluster, each.cluster_name)
      }))
    }
  },
  template: `
    <card title="Clusters" :about="about" :document="document" :is-empty="data?.clusters.length === 0">
      <template #empty><p><strong>No session has a label yet.</strong></p><p><code>ev-pipeline run retrain</code> trains a model and labels every stored session.</p></template>
      <p v-if="isShapeless" class="ev-state"><strong>No structure was found.</strong> These sessions form no groups that stand apart; the parts below divide them by size and duration, and mean no more than that.</p>
      <div class="ev-scroll" tabindex="0" role="region" aria-label="Clusters">
        <table class="ev-table">
          <thead><tr><th scope="col">Cluster</th><th scope="col" class="ev-number">Share</th><th aria-hidden="true"></th><th scope="col">A session</th><th scope="col" class="ev-number">Sessions</th><th scope="col" class="ev-number">Far from all groups</th><th scope="col" class="ev-number">Odd</th></tr></thead>
          <tbody><tr v-for="row in rows" :key="row.key">
            <th scope="row"><cluster :number="row.number" :name="row.name" /></th>
            <td class="ev-number">{{ row.shareText }}</td>
            <td class="ev-table__bar" aria-hidden="true"><span class="ev-share"><i :style="{ width: 100 * row.share + '%' }"></i></span></td>
            <td>{{ row.words }}</td>
            <td v-for="(cell, index) in row.cells" :key="index" class="ev-number">{{ cell }}</td>
          </tr></tbody>
        </table>
      </div>
    </card>`
}
