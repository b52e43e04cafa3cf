// What can be asked about a period, and what an answer amounts to. What lives here: pure functions.
// What does not: the page (`panels/period`) and the way of a question (the flows).
import { addDays } from './format.js'

const MONTHS_IN_A_QUARTER = 3

// The days that a button stands for; null where it needs what is not known yet.
export function preset (name, today, firstDay) {
  const [year, month] = today.split('-').map(Number)
  const first = (number) => `${year}-${String(number).padStart(2, '0')}-01`
  switch (name) {
    case 'today': return { from: today, to: today }
    case 'week': return { from: addDays(today, -6), to: today }
    case 'month': return { from: first(month), to: today }
    case 'quarter': return { from: first(month - (month - 1) % MONTHS_IN_A_QUARTER), to: today }
    case 'all': return firstDay ? { from: firstDay, to: today } : null
    default: throw new Error(`there is no period ${name}`)
  }
}

// What is wrong with the dates before anybody is asked; null where nothing is.
export function fault ({ from, to }, today) {
  if (!from || !to) return { code: 'missing_date', message: 'Fill in both dates.' }
  if (from > to) return { code: 'wrong_order', message: 'The first day is after the last day. Swap them, or change one.' }
  if (from > today) return { code: 'future', message: 'That period has not begun: no session can start in it yet.' }
  return null
}

// The days of an answer as a CSV file, numbers as they came; what is null is empty.
export function asCsv (answer) {
  const names = Object.keys(answer.by_day[0])
  const row = (values) => `${values.map((value) => value ?? '').join(',')}\n`
  return row([...names, 'currency', 'timezone']) + answer.by_day
    .map((day) => row([...names.map((name) => day[name]), answer.currency, answer.timezone]))
    .join('')
}

export function fileName (question) {
  const station = question.station_id ? `_${question.station_id.replace(/[^\w.-]+/g, '_')}` : ''
  return `period_${question.from}_${question.to}${station}.csv`
}
