// Whether what the page shows is of now. What lives here: what is known of the way from the worker
// to this page, and its trouble in words. What does not: how it is heard (`panels/bar`).

export const stream = Vue.reactive({
  isServerHeard: true, // this page hears Node-RED
  isBrokerHeard: null, // Node-RED hears the broker; null before it said so
  worker: null // what the worker said last
})

// What keeps the figures from being of now, nearest to the reader first; null where nothing does.
export function trouble ({ isServerHeard, isBrokerHeard, worker }) {
  if (!isServerHeard) {
    return {
      what: 'This page has lost the dashboard’s server.',
      mend: 'It tries again by itself. If that does not help: ev-pipeline status'
    }
  }
  if (isBrokerHeard === null) return null
  if (!isBrokerHeard) {
    return {
      what: 'The message broker does not answer.',
      mend: 'It is asked again by itself. If that does not help: ev-pipeline status'
    }
  }
  if (worker === null) {
    return {
      what: 'The stream has never run.',
      mend: 'Live sessions arrive once it does: ev-pipeline up'
    }
  }
  if (worker.state !== 'online') {
    return {
      what: 'The stream is down.',
      mend: 'New sessions wait at the broker and are not shown. To see why: ev-pipeline doctor'
    }
  }
  return null
}
