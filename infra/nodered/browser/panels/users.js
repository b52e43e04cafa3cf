// How sessions are shared out among users, by rank and class; nobody is named.
import * as format from '../format.js'
import Bars from '../parts/bars.js'
import Card from '../parts/card.js'
import Figure from '../parts/figure.js'

export default {
  components: { Bars, Card, EvFigure: Figure },
  props: { document: { type: Object, default: null } },
  computed: {
    data () { return this.document?.data },
    figures () {
      const { data } = this
      return [
        { name: 'Users', value: format.number(data.n_users), note: `${format.share(data.user_share)} of sessions name one` },
        { name: 'Come again', value: format.share(data.repeat_share), note: `${format.count(data.n_repeat_users, 'user')} with more than one session` },
        ...data.concentration.filter(({ user_share: share }) => share === 0.1 || share === 0.5).map((each) => ({
          name: `The busiest ${format.share(each.user_share)} of users`, value: format.share(each.session_share), note: 'of sessions that name a user'
        }))
      ]
    },
    classes () {
      return this.data.classes.map((each) => ({
        name: each.to_sessions === null ? `${each.from_sessions} or more` : each.from_sessions === each.to_sessions ? `${each.from_sessions}` : `${each.from_sessions} to ${each.to_sessions}`,
        note: format.count(each.n_users, 'user'), value: each.n_sessions, text: format.number(each.n_sessions)
      }))
    },
    top () {
      return this.data.top.slice(0, 10).map((user) => ({
        name: `No. ${user.rank}`, note: format.energy(user.total_energy_kwh), value: user.n_sessions, text: format.number(user.n_sessions)
      }))
    }
  },
  template: `
    <card title="Users" about="All time; by rank and number of sessions, nobody is named" :document="document" :is-empty="data?.n_users === 0">
      <template #empty><p><strong>No stored session names a user.</strong></p><p>Where a source has users, its mapping says in which column: <code>ev-pipeline sources check</code> shows what is read.</p></template>
      <dl class="ev-figures"><ev-figure v-for="figure in figures" v-bind="figure" :key="figure.name" /></dl>
      <div class="ev-pair">
        <bars caption="The long tail: users by how many sessions each has" :columns="['Sessions a user', 'Sessions']" :rows="classes" />
        <bars caption="The ten users with most sessions" :columns="['User', 'Sessions']" :rows="top" tone="b" />
      </div>
    </card>`
}
