// One figure with its name, and how it differs from before. What lives here: its place and size.

export default {
  name: 'EvFigure',
  props: {
    name: { type: String, required: true },
    value: { type: String, required: true },
    note: { type: String, default: '' }
  },
  template: `
    <div class="ev-figure">
      <dt class="ev-figure__name">{{ name }}</dt>
      <dd class="ev-figure__value">{{ value }}</dd>
      <dd v-if="note" class="ev-figure__note">{{ note }}</dd>
    </div>`
}
