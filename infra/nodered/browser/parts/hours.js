// How a cluster's sessions are shared out over the hours of plug-in: 24 bars in its colour. What
// lives here: the bars. What does not: whose hours they are.
import { busiestHour } from '../features.js'
import { clusterTone } from './cluster.js'

export default {
  name: 'EvHours',
  props: {
    number: { type: Number, required: true },
    shares: { type: Array, required: true },
    most: { type: Number, required: true } // what the highest bar of all charts stands for
  },
  computed: {
    tone () { return clusterTone(this.number) },
    said () { return busiestHour(this.shares) }
  },
  template: `
    <figure class="ev-hours" :class="tone">
      <div class="ev-hours__bars" role="img" :aria-label="'Sessions by hour of plug-in: ' + said">
        <i v-for="(share, hour) in shares" :key="hour" :class="{ 'ev-hours__none': share === 0 }" :style="{ height: 100 * share / most + '%' }"></i>
      </div>
      <div class="ev-hours__ticks" aria-hidden="true"><span v-for="hour in ['00', '06', '12', '18']" :key="hour">{{ hour }}:00</span></div>
      <figcaption class="ev-muted">By hour of plug-in: {{ said }}</figcaption>
    </figure>`
}
