// What the period page offers: the first day with a session, the zone of its days, the stations.
// Two panels say so, one at a time; a browser that comes later gets both.
const choices = context.get('choices') ?? {}
const { panel, data, timezone, currency } = msg.payload
if (panel === 'summary') {
  choices.first_day = data.first_day
  choices.timezone = timezone
  choices.currency = currency
} else {
  choices.stations = data.stations.map((station) => station.station_id)
}
context.set('choices', choices)
return { payload: { choices } }
