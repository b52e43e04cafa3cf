// The time, for ages that grow while nothing arrives. What lives here: one ticking value.

const TICK_MS = 1000
// Ages are told in whole seconds.

export const clock = Vue.reactive({ nowMs: Date.now() })

setInterval(() => { clock.nowMs = Date.now() }, TICK_MS)
