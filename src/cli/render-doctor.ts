import type { DoctorCheck, DoctorFinding, DoctorReport } from '../protocols/doctor.ts'
import type { Paint } from './paint.ts'
import { count } from './plural.ts'
import { plainLine } from './text.ts'

const checkLines = ({ name, ok, detail, remedy }: DoctorCheck, names: number, paint: Paint): string[] => {
  const sign = ok === null ? paint('dim', '-') : ok ? paint('green', '✔') : paint('red', '✘')
  return [
    `${sign} ${name.padEnd(names)}  ${plainLine(detail)}`,
    ...(ok === true || remedy === null ? [] : [`  ${' '.repeat(names)}  next: ${plainLine(remedy)}`]),
  ]
}

const TITLES: Readonly<Record<DoctorFinding['action'], string>> = {
  removed: 'Removed',
  'would-remove': 'Left by a run that was killed; `signalbox doctor --fix` removes',
  left: 'Not touched',
}

const findings = (found: readonly DoctorFinding[], action: DoctorFinding['action'], paint: Paint): string[] => {
  const concerned = found.filter((finding) => finding.action === action)
  if (concerned.length === 0) return []
  return [
    '',
    paint('bold', `${TITLES[action]}: ${count(concerned.length, 'thing')}`),
    ...concerned.map(({ kind, what, why }) => `  ${kind.padEnd(8)}  ${plainLine(what)}\n            ${paint('dim', plainLine(why))}`),
  ]
}

/** The state of the machine and what runs left behind, for people. */
export const renderDoctor = ({ ok, checks, found }: DoctorReport, paint: Paint): string[] => {
  const names = Math.max(0, ...checks.map(({ name }) => name.length))
  const bad = checks.filter((check) => check.ok === false).length
  const rest = found.filter(({ action }) => action === 'would-remove').length
  const problems = [...(bad > 0 ? [`${count(bad, 'check')} failed`] : []), ...(rest > 0 ? [`${count(rest, 'thing')} to remove`] : [])]
  return [
    ...checks.flatMap((check) => checkLines(check, names, paint)),
    ...(['removed', 'would-remove', 'left'] as const).flatMap((action) => findings(found, action, paint)),
    '',
    ok ? paint('green', '✔ all is well') : paint('red', `✘ ${problems.join(', ')}`),
  ]
}
