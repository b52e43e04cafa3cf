// The frame of every card: its title, what it is about, its age, and what stands there instead of
// figures. What lives here: the frame. What does not: any figure.
import { clock } from '../clock.js'
import { age, moment } from '../format.js'
import { stream, trouble } from '../stream.js'

export default {
  name: 'EvCard',
  props: {
    title: { type: String, required: true },
    about: { type: String, default: '' },
    document: { type: Object, default: null },
    isEmpty: { type: Boolean, default: false },
    isAsked: { type: Boolean, default: false } // its figures are asked for, and do not arrive by themselves
  },
  computed: {
    isStale () { return trouble(stream) !== null && !this.isAsked },
    age () { return this.document ? age(this.document.generated_at, clock.nowMs) : '' },
    madeAt () { return this.document ? `${moment(this.document.generated_at, this.document.timezone)} ${this.document.timezone}` : '' }
  },
  template: `
    <section class="ev-card" :class="{ 'ev-card--stale': isStale }" :data-card="title">
      <header class="ev-card__head">
        <h2 class="ev-card__title">{{ title }}</h2>
        <p v-if="about" class="ev-card__about">{{ about }}</p>
        <p v-if="document" class="ev-card__age" :title="'Made ' + madeAt">
          <span v-if="isStale" class="ev-tag ev-tag--warning">may be out of date</span>
          updated {{ age }}
        </p>
      </header>
      <slot v-if="isAsked" />
      <div v-else-if="!document" class="ev-empty">
        <p><strong>No figures yet.</strong></p>
        <p>They appear by themselves as soon as something is published; <code>ev-pipeline run publish_dashboard</code> publishes what is stored.</p>
      </div>
      <div v-else-if="isEmpty" class="ev-empty"><slot name="empty" /></div>
      <slot v-else />
    </section>`
}
