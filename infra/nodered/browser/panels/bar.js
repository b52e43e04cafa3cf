// Above every page: where to go, and a warning where the figures are not of now.
import { stream, trouble } from '../stream.js'

const PAGES = [
  ['overview', 'Overview'], ['period', 'Period'], ['money', 'Money'], ['stations', 'Users and stations'],
  ['clusters', 'Clusters'], ['anomalies', 'Anomalies']
]

const PLACE = 'ev-bar'

// First on the page, so that a keyboard comes to it first; Dashboard 2 has no such place.
function makePlace () {
  if (window.document.getElementById(PLACE)) return
  const place = window.document.createElement('div')
  place.id = PLACE
  window.document.body.prepend(place)
}

makePlace()

export default {
  props: { document: { type: Object, default: null }, socket: { type: Object, required: true } },
  data () { return { pages: PAGES.map(([path, title]) => ({ path: `/ui/${path}`, title })) } },
  computed: {
    trouble () { return trouble(stream) },
    title () { return this.pages.find(({ path }) => path === this.$route.path)?.title ?? '' }
  },
  watch: { document: { immediate: true, handler: 'learn' } },
  mounted () {
    // On a phone the row of links is wider than the screen.
    window.document.querySelector('.ev-nav .router-link-active')?.scrollIntoView({ block: 'nearest', inline: 'center' })
    this.connected = () => { stream.isServerHeard = true }
    this.lost = () => { stream.isServerHeard = false }
    this.socket.on('connect', this.connected)
    this.socket.on('disconnect', this.lost)
  },
  unmounted () {
    this.socket.off('connect', this.connected)
    this.socket.off('disconnect', this.lost)
  },
  methods: {
    learn (state) {
      if (!state) return
      stream.isBrokerHeard = state.is_connected
      stream.worker = state.worker
    }
  },
  template: `
    <teleport to="#ev-bar">
      <nav class="ev-nav" aria-label="Pages">
        <h1 class="ev-hidden">{{ title }}</h1>
        <span class="ev-nav__brand">EV Pipeline</span>
        <router-link v-for="page in pages" :key="page.path" :to="page.path" class="ev-nav__link">{{ page.title }}</router-link>
      </nav>
      <div role="alert"><p v-if="trouble" class="ev-banner"><strong>{{ trouble.what }}</strong> {{ trouble.mend }}</p></div>
    </teleport>`
}
