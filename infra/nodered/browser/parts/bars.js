// Amounts beside each other, the largest first as they come: a table with a bar in each row. What
// lives here: the rows. What does not: what is counted.

export default {
  name: 'EvBars',
  props: {
    caption: { type: String, required: true },
    columns: { type: Array, required: true }, // titles: of the name, then of the amount
    rows: { type: Array, required: true }, // { name, value, text, note, cluster }
    tone: { type: String, default: 'a' },
    full: { type: Number, default: 0 }, // what a whole bar stands for, if no row has more
    isWide: { type: Boolean, default: false } // where nothing stands beside it
  },
  computed: {
    most () { return Math.max(1e-9, this.full, ...this.rows.map(({ value }) => value)) }
  },
  template: `
    <table class="ev-table ev-table--bars" :class="['ev-tone-' + tone, { 'ev-table--wide': isWide }]">
      <caption class="ev-table__caption">{{ caption }}</caption>
      <thead><tr><th scope="col">{{ columns[0] }}</th><th scope="col" class="ev-number">{{ columns[1] }}</th><th aria-hidden="true"></th></tr></thead>
      <tbody>
        <tr v-for="row in rows" :key="row.name">
          <th scope="row" class="ev-name">{{ row.name }}<span v-if="row.note" class="ev-table__note">{{ row.note }}</span></th>
          <td class="ev-number">{{ row.text }}</td>
          <td class="ev-table__bar" aria-hidden="true"><span class="ev-share"><i :style="{ width: 100 * row.value / most + '%' }"></i></span></td>
        </tr>
      </tbody>
    </table>`
}
