// Each of the last 365 days; a long stretch without a session is a mark between two of them.
import * as format from '../format.js'
import Card from '../parts/card.js'
import Columns from '../parts/columns.js'
import { byDay, energyPoints, sessionPoints } from '../parts/use.js'

export default {
  components: { Card, Columns },
  props: { document: { type: Object, default: null } },
  computed: {
    rows () { return this.document?.data.days ?? [] },
    about () { return this.rows.length ? `${format.window(this.document.data)}, ${this.document.timezone}` : '' },
    sessions () { return sessionPoints(this.rows, byDay) },
    energies () { return energyPoints(this.rows, byDay) }
  },
  methods: { energy: format.energy, number: (value) => format.number(value) },
  template: `
    <card title="By day" :about="about" :document="document" :is-empty="rows.length === 0">
      <template #empty><p><strong>No session is stored.</strong></p></template>
      <columns title="Energy" :points="energies" :format="energy" />
      <columns title="Sessions" :points="sessions" :format="number" tone="b" is-count />
    </card>`
}
