// Figures and times as people read them: units, thousands, no more digits than mean something.
// What lives here: pure functions. What does not: anything of the page.

const LANGUAGE = 'en-GB'

export const NOTHING = '–'
// Stands where there is no figure; never 0, which is one.

const NARROW = '\u202f'
// A small space at which no line breaks.

const LEAST_PRICE = 0.001
// What three digits show.

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

const MINUTE_S = 60
const HOUR_S = 3600
const DAY_S = 86400

const formats = new Map()

function decimal (digits) {
  if (!formats.has(digits)) {
    formats.set(digits, new Intl.NumberFormat(LANGUAGE, {
      minimumFractionDigits: digits, maximumFractionDigits: digits
    }))
  }
  return formats.get(digits)
}

export function isNothing (value) {
  return value === null || value === undefined
}

export function number (value, digits = 0) {
  return isNothing(value) ? NOTHING : decimal(digits).format(value)
}

// With its noun, in the singular where it is one: "1 session", "7,836 sessions".
export function count (value, noun) {
  return `${number(value)} ${value === 1 ? noun : `${noun}s`}`
}

// Small amounts keep a digit behind the point, large ones do not.
export function energy (kwh) {
  return isNothing(kwh) ? NOTHING : `${number(kwh, Math.abs(kwh) < 100 ? 1 : 0)} kWh`
}

export function hours (h) {
  if (isNothing(h)) return NOTHING
  if (h < 1) return `${number(h * 60)} min`
  return `${number(h, h < 100 ? 1 : 0)} h`
}

export function money (value, currency) {
  return isNothing(value) ? NOTHING : `${number(value, 2)} ${currency}`
}

export function perKwh (value, currency) {
  if (isNothing(value)) return NOTHING
  return value > 0 && value < LEAST_PRICE ? `< ${number(LEAST_PRICE, 3)} ${currency}/kWh` : `${number(value, 3)} ${currency}/kWh`
}

export function share (value) {
  if (isNothing(value)) return NOTHING
  const percent = value * 100
  return `${number(percent, percent !== 0 && percent < 10 ? 1 : 0)}${NARROW}%`
}

// How one figure differs from an earlier one; null where there is nothing to compare with.
export function change (now, before) {
  if (isNothing(now) || isNothing(before) || before === 0) return null
  const percent = (now / before - 1) * 100
  const digits = Math.abs(percent) < 10 ? 1 : 0
  const sign = percent > 0 ? '+' : percent < 0 ? '−' : '±'
  return `${sign}${number(Math.abs(percent), digits)}${NARROW}%`
}

// `2026-11-24` as `24 Nov 2026`: a day has no zone, so no `Date` may move it.
export function day (isoDay) {
  if (isNothing(isoDay)) return NOTHING
  const [year, month, date] = isoDay.split('-').map(Number)
  return `${date} ${MONTHS[month - 1]} ${year}`
}

export function dayInYear (isoDay) {
  return day(isoDay).replace(/ \d+$/, '')
}

export function month (isoMonth) {
  const [year, number] = isoMonth.split('-').map(Number)
  return `${MONTHS[number - 1]} ${year}`
}

export function daysBetween (first, last) {
  return (Date.parse(last) - Date.parse(first)) / (DAY_S * 1000)
}

export function days (first, last) {
  if (isNothing(first)) return 'no day yet'
  return first === last ? day(first) : `${day(first)} to ${day(last)}`
}

export function weekday (isoDay) {
  const [year, month, date] = isoDay.split('-').map(Number)
  return WEEKDAYS[(new Date(Date.UTC(year, month - 1, date)).getUTCDay() + 6) % 7]
}

// A moment on the clock of the reporting zone.
export function moment (iso, zone) {
  if (isNothing(iso)) return NOTHING
  const parts = new Intl.DateTimeFormat(LANGUAGE, {
    timeZone: zone, day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23'
  }).formatToParts(new Date(iso))
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]))
  return `${part.day} ${part.month.slice(0, 3)} ${part.year}, ${part.hour}:${part.minute}`
}

export function clockTime (iso, zone) {
  return moment(iso, zone).split(', ').pop()
}

// An hour of the day as a clock shows it: 8.5 is 08:30; 24 is midnight again.
export function hourOfDay (hour) {
  const minutes = Math.round(hour * 60) % (24 * 60)
  const two = (value) => String(value).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

// The day of a moment in a zone, as `2026-11-24`.
export function isoDay (milliseconds, zone) {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(new Date(milliseconds))
}

// So many days later, or earlier.
export function addDays (day, n) {
  const [year, month, date] = day.split('-').map(Number)
  return new Date(Date.UTC(year, month - 1, date + n)).toISOString().slice(0, 10)
}

export function age (iso, nowMs) {
  const seconds = Math.max(0, (nowMs - Date.parse(iso)) / 1000)
  if (seconds < 2) return 'just now'
  if (seconds < MINUTE_S) return `${Math.floor(seconds)} s ago`
  if (seconds < HOUR_S) return `${Math.floor(seconds / MINUTE_S)} min ago`
  if (seconds < 2 * DAY_S) return `${Math.floor(seconds / HOUR_S)} h ago`
  return `${Math.floor(seconds / DAY_S)} days ago`
}

// What underscores do not tell: units, points, and what nobody says.
const SAID = {
  under_0_5_kwh: 'under 0.5 kWh',
  over_250_kwh: 'over 250 kWh',
  energy_over_1000_kwh: 'energy over 1,000 kWh',
  power_over_400_kw: 'power over 400 kW',
  power_over_rating: 'power over the station’s rating',
  soc_decreases: 'state of charge decreases'
}

// A code as words: `no_energy` is "no energy".
export function words (code) {
  return SAID[code] ?? code.replaceAll('_', ' ')
}

// Which days a chart is about, where it leaves out long stretches without a session.
export function window ({ first_day: first, last_day: last, n_days_left_out: n }) {
  return days(first, last) + (n ? ` without ${number(n)} days on which no session starts` : '')
}
