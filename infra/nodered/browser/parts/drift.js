// Whether the newest sessions are still like those that the model learnt from. What lives here: the
// last report in words and bars. What does not: the measure.
import * as format from '../format.js'
import { FEATURES } from '../features.js'
import Bars from './bars.js'

const FULL_ALERTS = 2
// A whole bar is twice what is called drift, so that little is seen as little.

export default {
  name: 'EvDrift',
  components: { Bars },
  props: { drift: { type: Object, default: null }, zone: { type: String, required: true } },
  computed: {
    newest () { return `The newest ${format.count(this.drift.n_sessions, 'session')}` },
    since () { return format.moment(this.drift.drifting_since, this.zone) },
    limit () { return format.number(this.drift.alert_psi, 2) },
    full () { return FULL_ALERTS * this.drift.alert_psi },
    rows () {
      return this.drift.indices.map(({ name, psi }) => ({
        name: FEATURES[name].name, note: psi > this.drift.alert_psi ? 'drift' : 'as trained', value: psi, text: format.number(psi, 2)
      }))
    }
  },
  template: `
    <section class="ev-drift" aria-label="Drift">
      <h3 class="ev-sub">Drift</h3>
      <p v-if="!drift" class="ev-note">Not measured yet. Each run measures it, once enough of the newest sessions have a label.</p>
      <template v-else>
        <p v-if="drift.drifting_since"><span class="ev-tag ev-tag--warning">drift</span> {{ newest }} are not like those that the model learnt from, since {{ since }}. If that lasts, a retraining starts by itself.</p>
        <p v-else><span class="ev-tag ev-tag--good">no drift</span> {{ newest }} are like those that the model learnt from.</p>
        <bars is-wide :full="full" caption="How far they have moved" :columns="['What', 'Stability index']" :rows="rows" />
        <p class="ev-note">0 is the same as at training; above {{ limit }} is drift (population stability index).</p>
      </template>
    </section>`
}
