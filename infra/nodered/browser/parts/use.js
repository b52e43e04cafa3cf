// Sessions and energy of many days or weeks as points of a chart. What lives here: the two rows.
import * as format from '../format.js'

export function sessionPoints (rows, naming) {
  return rows.map((row) => ({ ...naming(row), value: row.n_sessions, text: format.count(row.n_sessions, 'session') }))
}

export function energyPoints (rows, naming) {
  return rows.map((row) => ({ ...naming(row), value: row.total_energy_kwh, text: format.energy(row.total_energy_kwh) }))
}

export function byDay (row) {
  return { label: `${format.weekday(row.day)} ${format.day(row.day)}`, tick: format.dayInYear(row.day) }
}

export function byWeek (row) {
  return { label: `${row.week}, from ${format.day(row.first_day)}`, tick: format.day(row.first_day).replace(/^\d+ /, '') }
}
