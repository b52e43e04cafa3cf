// How the pipeline is doing: the stream, what came in, which model labels.
import { clock } from '../clock.js'
import * as format from '../format.js'
import Card from '../parts/card.js'
import { stream, trouble } from '../stream.js'

export default {
  components: { Card },
  props: { document: { type: Object, default: null } },
  computed: {
    data () { return this.document?.data },
    isUp () { return trouble(stream) === null && this.data.stream !== null },
    state () { return this.isUp ? 'up' : 'down' },
    lag () {
      const lag = this.data.stream?.lag_seconds
      return format.isNothing(lag) ? 'no message yet' : lag < 1 ? `${format.number(lag * 1000)} ms` : `${format.number(lag, 1)} s`
    },
    waiting () { return this.data.stream ? format.number(this.data.stream.queue_depth) : format.NOTHING },
    champion () { return this.data.champion },
    trained () { return this.champion ? `${format.moment(this.champion.trained_at, this.document.timezone)} (${format.age(this.champion.trained_at, clock.nowMs)})` : 'never; ev-pipeline run retrain trains' },
    verdict () { return this.champion?.verdict ?? 'none given' },
    ledger () {
      return Object.entries(this.data.ledger).map(([name, value]) => ({ name, value: format.number(value), note: name === 'quarantined' ? this.stillThere : '' }))
    },
    // One that came twice, or that was mended since, is counted once or not at all.
    stillThere () {
      return this.document.n_excluded === this.data.ledger.quarantined ? '' : `${format.number(this.document.n_excluded)} different ones still are`
    }
  },
  template: `
    <card title="Pipeline" about="From the broker to the labels" :document="document">
      <dl class="ev-facts">
        <div><dt>Stream</dt><dd><span class="ev-tag" :class="isUp ? 'ev-tag--good' : 'ev-tag--warning'">{{ state }}</span></dd></div>
        <div><dt>From arrival to storage</dt><dd>{{ lag }}</dd></div>
        <div><dt>Waiting at the broker</dt><dd>{{ waiting }}</dd></div>
        <div><dt>Model</dt><dd>{{ champion ? champion.version : 'none yet' }}</dd></div>
        <div><dt>Trained</dt><dd>{{ trained }}</dd></div>
        <div><dt>Verdict on clusters</dt><dd>{{ verdict }}</dd></div>
      </dl>
      <h3 class="ev-sub">Records of sessions and stations, each time one came</h3>
      <dl class="ev-facts"><div v-for="row in ledger" :key="row.name"><dt>{{ row.name }}<span v-if="row.note" class="ev-table__note">{{ row.note }}</span></dt><dd>{{ row.value }}</dd></div></dl>
    </card>`
}
