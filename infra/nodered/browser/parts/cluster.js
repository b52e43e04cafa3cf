// A cluster's name with its colour; the colour goes by its number, and so stays with it. What lives
// here: name and colour. What does not: what a cluster means.

const COLOURS = 8
// As many as theme.css has that colour-blind people tell apart; the name always stands beside.

export function clusterTone (number) {
  return `ev-cluster--${number % COLOURS}`
}

export default {
  name: 'EvCluster',
  props: { number: { type: Number, default: null }, name: { type: String, default: null } },
  computed: {
    tone () { return clusterTone(this.number) },
    text () { return this.name ?? `Cluster ${this.number}` }
  },
  template: `
    <span v-if="number === null" class="ev-muted">not labelled yet</span>
    <span v-else class="ev-cluster" :class="tone">{{ text }}</span>`
}
