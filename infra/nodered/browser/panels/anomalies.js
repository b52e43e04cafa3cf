// The sessions that are odd, the latest first, each with its reasons.
import * as format from '../format.js'
import Bars from '../parts/bars.js'
import Card from '../parts/card.js'
import Sessions from '../parts/sessions.js'

const SHOWN = 15

export default {
  components: { Bars, Card, Sessions },
  props: { document: { type: Object, default: null } },
  data () { return { isLong: false } },
  computed: {
    data () { return this.document?.data },
    about () { return this.document ? `${format.number(this.data.n_anomalies)} of ${format.count(this.data.n_labelled, 'labelled session')} (${format.share(this.data.anomaly_share)}); times in ${this.document.timezone}` : '' },
    newest () { return this.data.newest.slice(0, this.isLong ? undefined : SHOWN) },
    rest () { return this.data.newest.length - SHOWN },
    reasons () {
      return this.data.by_code.map((each) => ({ name: format.words(each.code), value: each.n_sessions, text: format.number(each.n_sessions) }))
    }
  },
  template: `
    <card title="Anomalies" :about="about" :document="document" :is-empty="data?.n_anomalies === 0">
      <template #empty><p v-if="data?.n_labelled"><strong>No labelled session is odd.</strong></p><template v-else><p><strong>No session has a label yet.</strong></p><p><code>ev-pipeline run retrain</code> trains a model and labels every stored session.</p></template></template>
      <bars is-wide caption="Why they are odd; a session can have several reasons" :columns="['Reason', 'Sessions']" :rows="reasons" tone="b" />
      <h3 class="ev-sub">The {{ newest.length }} latest</h3>
      <sessions :sessions="newest" :zone="document.timezone" caption="The latest odd sessions" is-all-odd />
      <button v-if="rest > 0" type="button" class="ev-button" @click="isLong = !isLong">{{ isLong ? 'Show fewer' : 'Show ' + rest + ' more' }}</button>
    </card>`
}
