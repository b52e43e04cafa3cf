// What the period page offers: the first month with sessions, the zone of its days, the stations.
// Two panels say so, one at a time; a browser that comes later gets both.
const choices = context.get('choices') ?? {}
const { panel, data, timezone, currency } = msg.payload
if (panel === 'cost') {
  choices.first_day = data.by_month.length ? `${data.by_month[0].month}-01` : null
  choices.timezone = timezone
  choices.currency = currency
} else {
  choices.stations = data.stations.map((station) => station.station_id)
}
context.set('choices', choices)
return { payload: { choices } }
