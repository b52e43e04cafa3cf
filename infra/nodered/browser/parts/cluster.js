// A cluster's name with its colour; the colour goes by its number, and so stays with it. What lives
// here: name and colour. What does not: what a cluster means.

const COLOURS = 8
// As many as theme.css has that colour-blind people tell apart; the name always stands beside.

export function clusterName (number, name) {
  return name ?? `Cluster ${number}`
}

export default {
  name: 'EvCluster',
  props: { number: { type: Number, default: null }, name: { type: String, default: null } },
  computed: {
    tone () { return `ev-cluster--${this.number % COLOURS}` },
    text () { return clusterName(this.number, this.name) }
  },
  template: `
    <span v-if="number === null" class="ev-muted">not labelled yet</span>
    <span v-else class="ev-cluster" :class="tone">{{ text }}</span>`
}
