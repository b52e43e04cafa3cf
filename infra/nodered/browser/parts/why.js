// Why a session is in its cluster, folded until somebody asks. What lives here: the words. What does
// not: how near a centre is (the worker's side works it out).
import { deciding } from '../features.js'
import { number } from '../format.js'
import Cluster from './cluster.js'

export default {
  name: 'EvWhy',
  components: { Cluster },
  props: { reasons: { type: Object, required: true } },
  computed: {
    own () { return this.reasons.centres[0] },
    next () { return this.reasons.centres[1] },
    features () { return deciding(this.reasons) }
  },
  methods: { distance: ({ distance }) => number(distance, 2) },
  template: `
    <details class="ev-why">
      <summary>Why this cluster?</summary>
      <p>Nearest: <cluster :number="own.cluster" :name="own.cluster_name" />, {{ distance(own) }} from its centre. Next: <cluster :number="next.cluster" :name="next.cluster_name" />, {{ distance(next) }}. What decides between the two:</p>
      <ul><li v-for="feature in features" :key="feature.name"><strong>{{ feature.name }} {{ feature.value }}</strong>: {{ feature.text }} <span class="ev-why__says">({{ feature.says }})</span></li></ul>
    </details>`
}
