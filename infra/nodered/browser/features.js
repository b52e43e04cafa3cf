// What sessions are grouped by, and how a group is told in words. What lives here: pure functions.
// What does not: the page.
import * as format from './format.js'

const STEPS_AN_HOUR = 6
// A typical time of day is told to ten minutes: it is a mean.

const SATURDAY = 5
// Of the shares by weekday, which begin on Monday.

const UNKNOWN = 'unknown'
// As the panel names stations whose power nobody stated.

const power = (kw) => `${format.number(kw, kw < 10 ? 1 : 0)} kW`

export const FEATURES = {
  start_hour: { name: 'Plugged in', tell: format.hourOfDay },
  duration_h: { name: 'Stay', tell: format.hours },
  energy_kwh: { name: 'Energy', tell: format.energy },
  mean_power_kw: { name: 'Mean power', tell: power },
  kmeans_cluster: { name: 'Shares of the clusters', tell: format.number }
}

// A typical session of a cluster. Hours, power, weekdays and stations are null until a full run.
export function typical (cluster, stationKinds) {
  const stay = `stays ${format.hours(cluster.median_duration_h)} and takes ${format.energy(cluster.median_energy_kwh)}`
  if (cluster.start_hour === null) return [`Typically ${stay}.`]
  const around = format.hourOfDay(Math.round(cluster.start_hour * STEPS_AN_HOUR) / STEPS_AN_HOUR)
  const weekend = cluster.weekday_shares.slice(SATURDAY).reduce((sum, share) => sum + share, 0)
  return [
    `Plugged in around ${around}, ${stay}, at about ${power(cluster.median_power_kw)}.`,
    `${format.share(weekend)} start on a Saturday or Sunday; ${stations(cluster.station_shares, stationKinds)}.`
  ]
}

function stations (shares, kinds) {
  const most = shares.indexOf(Math.max(...shares))
  const kind = kinds[most] === UNKNOWN ? 'unknown power' : kinds[most].replace(/^to /, 'up to ')
  return `${format.share(shares[most])} at stations of ${kind}`
}

// The hour in which most of a cluster plug in, in words.
export function busiestHour (shares) {
  const hour = shares.indexOf(Math.max(...shares))
  return `most from ${format.hourOfDay(hour)} to ${format.hourOfDay(hour + 1)} (${format.share(shares[hour])})`
}

// What each feature has to say for a session's cluster against the next, the most decisive first.
export function deciding ({ features }) {
  const weight = features.reduce((sum, { share }) => sum + Math.abs(share), 0)
  return features.map(({ feature, value, typical, next_typical: next, share }) => {
    const { name, tell } = FEATURES[feature]
    return {
      name,
      value: tell(value),
      text: `typically ${tell(typical)}, in the next ${tell(next)}`,
      says: share === 0 ? 'says nothing' : `${format.share(Math.abs(share) / weight)} of the weight, ${share > 0 ? 'for it' : 'for the next'}`
    }
  })
}
