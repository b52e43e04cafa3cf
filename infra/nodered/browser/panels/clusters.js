// What the champion's clusters are like; or that there are none; and whether sessions moved since.
import * as format from '../format.js'
import { typical } from '../features.js'
import Card from '../parts/card.js'
import Cluster from '../parts/cluster.js'
import Drift from '../parts/drift.js'
import Hours from '../parts/hours.js'

const NO_STRUCTURE = 'no structure'

export default {
  components: { Card, Cluster, Drift, Hours },
  props: { document: { type: Object, default: null } },
  computed: {
    data () { return this.document?.data },
    about () { return this.document?.model_version ? `${format.count(this.data.n_labelled, 'labelled session')}, model ${this.document.model_version}` : '' },
    isShapeless () { return this.data?.verdict === NO_STRUCTURE },
    most () { return Math.max(1e-9, ...this.data.clusters.flatMap(({ hour_shares: shares }) => shares ?? [])) },
    profiles () {
      return this.data.clusters.map((each) => ({
        number: each.kmeans_cluster, name: each.cluster_name, share: format.share(each.share), hours: each.hour_shares,
        words: typical(each, this.data.station_kinds),
        facts: [
          { name: 'Sessions', value: format.number(each.n_sessions) },
          { name: 'Far from all groups', value: format.number(each.n_noise) },
          { name: 'Odd', value: format.number(each.n_anomalies) }
        ]
      }))
    }
  },
  template: `
    <card title="Clusters" :about="about" :document="document" :is-empty="data?.clusters.length === 0">
      <template #empty><p><strong>No session has a label yet.</strong></p><p><code>ev-pipeline run retrain</code> trains a model and labels every stored session.</p></template>
      <p v-if="data.notice" class="ev-state"><strong v-if="isShapeless">No structure was found.</strong> {{ data.notice }}</p>
      <ul class="ev-profiles">
        <li v-for="profile in profiles" :key="profile.number" class="ev-profile" :data-cluster="profile.number">
          <h3 class="ev-profile__head"><cluster :number="profile.number" :name="profile.name" /><span>{{ profile.share }}</span></h3>
          <div><p v-for="sentence in profile.words" :key="sentence">{{ sentence }}</p></div>
          <hours v-if="profile.hours" :number="profile.number" :shares="profile.hours" :most="most" />
          <p v-else class="ev-note">Its hours are known after the next full run: <code>ev-pipeline run retrain</code></p>
          <dl class="ev-facts"><div v-for="fact in profile.facts" :key="fact.name"><dt>{{ fact.name }}</dt><dd>{{ fact.value }}</dd></div></dl>
        </li>
      </ul>
      <drift :drift="data.drift" :zone="document.timezone" />
    </card>`
}
