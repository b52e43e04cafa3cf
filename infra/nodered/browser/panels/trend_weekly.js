// Each ISO week, at most five years; the last may not be over.
import * as format from '../format.js'
import Card from '../parts/card.js'
import Columns from '../parts/columns.js'
import { byWeek, energyPoints, sessionPoints } from '../parts/use.js'

export default {
  components: { Card, Columns },
  props: { document: { type: Object, default: null } },
  computed: {
    rows () { return this.document?.data.weeks ?? [] },
    about () { return this.rows.length ? `${format.days(this.document.data.first_day, this.document.data.last_day)}, ${this.document.timezone}` : '' },
    sessions () { return sessionPoints(this.rows, byWeek) },
    energies () { return energyPoints(this.rows, byWeek) }
  },
  methods: { energy: format.energy, number: (value) => format.number(value) },
  template: `
    <card title="By week" :about="about" :document="document" :is-empty="rows.length === 0">
      <template #empty><p><strong>No session is stored.</strong></p></template>
      <columns title="Energy" :points="energies" :format="energy" />
      <columns title="Sessions" :points="sessions" :format="number" tone="b" is-count />
    </card>`
}
