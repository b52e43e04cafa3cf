// The 20 sessions that were stored or corrected last, the last first.
import Card from '../parts/card.js'
import Sessions from '../parts/sessions.js'

export default {
  components: { Card, Sessions },
  props: { document: { type: Object, default: null } },
  computed: {
    sessions () { return this.document?.data ?? [] },
    about () { return this.document ? `As they are stored; times in ${this.document.timezone}` : '' }
  },
  template: `
    <card title="Newest sessions" :about="about" :document="document" :is-empty="sessions.length === 0">
      <template #empty><p><strong>No session has been stored since the stream began.</strong></p><p>Sessions that chargers send appear here within a second.</p></template>
      <sessions :sessions="sessions" :zone="document.timezone" caption="Newest sessions" />
    </card>`
}
