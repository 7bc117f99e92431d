import type { DoctorCheck, DoctorFinding, DoctorReport } from '../protocols/doctor.ts'
import type { Paint } from './paint.ts'
import { count } from './plural.ts'
import { plainLine } from './text.ts'
import { wrap } from './wrap.ts'

const checkLines = ({ name, ok, detail, remedy }: DoctorCheck, names: number, paint: Paint, columns: number): string[] => {
  const sign = ok === null ? paint('dim', '-') : ok ? paint('green', '✔') : paint('red', '✘')
  return [
    ...wrap(plainLine(detail), `${sign} ${name.padEnd(names)}  `, columns),
    ...(ok === true || remedy === null ? [] : wrap(`next: ${plainLine(remedy)}`, `  ${' '.repeat(names)}  `, columns)),
  ]
}

const TITLES: Readonly<Record<DoctorFinding['action'], string>> = {
  removed: 'Removed',
  'would-remove': 'Left by a run that was killed; `signalbox doctor --fix` removes',
  left: 'Not touched',
}

const findings = (found: readonly DoctorFinding[], action: DoctorFinding['action'], paint: Paint, columns: number): string[] => {
  const concerned = found.filter((finding) => finding.action === action)
  if (concerned.length === 0) return []
  return [
    '',
    paint('bold', `${TITLES[action]}: ${count(concerned.length, 'thing')}`),
    ...concerned.flatMap(({ kind, what, why }) => [
      `  ${kind.padEnd(8)}  ${plainLine(what)}`,
      ...wrap(plainLine(why), ' '.repeat(12), columns).map((line) => paint('dim', line)),
    ]),
  ]
}

/** The state of the machine and what runs left behind, for people. @param columns of their screen */
export const renderDoctor = ({ ok, checks, found }: DoctorReport, paint: Paint, columns: number = Infinity): string[] => {
  const names = Math.max(0, ...checks.map(({ name }) => name.length))
  const bad = checks.filter((check) => check.ok === false).length
  const rest = found.filter(({ action }) => action === 'would-remove').length
  const problems = [...(bad > 0 ? [`${count(bad, 'check')} failed`] : []), ...(rest > 0 ? [`${count(rest, 'thing')} to remove`] : [])]
  return [
    ...checks.flatMap((check) => checkLines(check, names, paint, columns)),
    ...(['removed', 'would-remove', 'left'] as const).flatMap((action) => findings(found, action, paint, columns)),
    '',
    ok ? paint('green', '✔ all is well') : paint('red', `✘ ${problems.join(', ')}`),
  ]
}
