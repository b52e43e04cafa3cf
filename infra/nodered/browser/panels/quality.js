// What was refused, by reason and by client; what is said of stored sessions; the ledger.
import * as format from '../format.js'
import Bars from '../parts/bars.js'
import Card from '../parts/card.js'

const COUNTS = ['received', 'stored', 'updated', 'duplicate', 'quarantined']

export default {
  components: { Bars, Card },
  props: { document: { type: Object, default: null } },
  computed: {
    data () { return this.document?.data },
    about () { return this.document ? `${format.count(this.data.n_quarantined, 'different record')} in quarantine, ${format.count(this.document.n_sessions, 'stored session')}` : '' },
    refused () { return this.data.quarantined_by_code.map((each) => ({ name: format.words(each.code), value: each.n_records, text: format.number(each.n_records) })) },
    origins () { return this.data.quarantined_by_origin.map((each) => ({ name: each.origin, value: each.n_records, text: format.number(each.n_records) })) },
    remarks () { return this.data.stored_by_code.map((each) => ({ name: format.words(each.code), note: each.severity ?? '', value: each.n_sessions, text: format.number(each.n_sessions) })) },
    counts () { return COUNTS },
    ledger () { return this.data.ledger.map((row) => ({ key: `${row.door} ${row.source}`, door: row.door, source: row.source, cells: COUNTS.map((name) => format.number(row[name])) })) }
  },
  template: `
    <card title="Data quality" :about="about" :document="document" :is-empty="data?.ledger.length === 0">
      <template #empty><p><strong>Nothing has been received yet.</strong></p></template>
      <p v-if="data.n_quarantined === 0" class="ev-state">Nothing is in quarantine: every record that came in was understood.</p>
      <div v-else class="ev-pair">
        <bars caption="Refused, by reason" :columns="['Reason', 'Records']" :rows="refused" tone="b" />
        <bars caption="Refused, by client or file’s source" :columns="['Client', 'Records']" :rows="origins" tone="b" />
      </div>
      <p v-if="data.n_quarantined" class="ev-note"><code>ev-pipeline quarantine list</code> shows each with its raw content; after a mend, <code>ev-pipeline quarantine replay</code> reads them again.</p>
      <bars v-if="remarks.length" is-wide caption="Remarks on stored sessions" :columns="['Remark', 'Sessions']" :rows="remarks" />
      <h3 class="ev-sub">Ledger: received = stored + updated + duplicate + quarantined</h3>
      <p class="ev-note">Each record counts each time it came; in quarantine is each different one that has not been mended since.</p>
      <div class="ev-scroll" tabindex="0" role="region" aria-label="Ledger">
        <table class="ev-table ev-table--compact ev-stack">
          <thead><tr><th scope="col">Door</th><th scope="col">Source</th><th v-for="name in counts" :key="name" scope="col" class="ev-number">{{ name }}</th></tr></thead>
          <tbody><tr v-for="row in ledger" :key="row.key"><td data-label="door">{{ row.door }}</td><th scope="row" class="ev-name">{{ row.source }}</th><td v-for="(cell, index) in row.cells" :key="index" class="ev-number" :data-label="counts[index]">{{ cell }}</td></tr></tbody>
        </table>
      </div>
    </card>`
}
