// Sessions and energy of many days, weeks or months as points of a chart. What lives here: the rows,
// and days put together to months. What does not: the chart.
import * as format from '../format.js'

const LONGEST_MONTH_DAYS = 31

export function sessionPoints (rows, naming) {
  return rows.map((row, index) => ({ ...naming(row, index, rows), value: row.n_sessions, text: format.count(row.n_sessions, 'session') }))
}

export function energyPoints (rows, naming) {
  return rows.map((row, index) => ({ ...naming(row, index, rows), value: row.total_energy_kwh, text: format.energy(row.total_energy_kwh) }))
}

export function byDay (row, index, rows) {
  return {
    label: `${format.weekday(row.day)} ${format.day(row.day)}`,
    tick: format.dayInYear(row.day),
    isAfterPause: index > 0 && format.daysBetween(rows[index - 1].day, row.day) > 1
  }
}

export function byMonth (row, index, rows) {
  return {
    label: format.month(row.month),
    tick: format.month(row.month),
    isAfterPause: index > 0 && format.daysBetween(`${rows[index - 1].month}-01`, `${row.month}-01`) > LONGEST_MONTH_DAYS
  }
}

const ADDED = ['n_sessions', 'total_energy_kwh', 'total_duration_h', 'total_cost']

// Months of days in order. What is null stays so where no day of the month has more.
export function monthsOf (days) {
  const months = new Map()
  for (const day of days) {
    const month = day.day.slice(0, 7)
    const sums = months.get(month) ?? { month, ...Object.fromEntries(ADDED.map((name) => [name, null])) }
    for (const name of ADDED) if (!format.isNothing(day[name])) sums[name] = (sums[name] ?? 0) + day[name]
    months.set(month, sums)
  }
  return [...months.values()]
}

export function byWeek (row) {
  return { label: `${row.week}, from ${format.day(row.first_day)}`, tick: format.day(row.first_day).replace(/^\d+ /, '') }
}
