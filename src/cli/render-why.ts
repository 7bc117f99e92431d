import { findingText } from '../protocols/exit-words.ts'
import type { CrashBrief } from './crash-brief.ts'
import { outcomeMark } from './marks.ts'
import type { Paint } from './paint.ts'
import { count } from './plural.ts'
import { megabytes } from './render-crashes.ts'
import { duration, exitText, plainLine } from './text.ts'
import { type Attempt, type Evidence, hasFailed } from './why.ts'

const since = (at: number, start: number): string => `+${((at - start) / 1_000).toFixed(2)}s`.padStart(10)

const attemptLines = (attempt: Attempt, paint: Paint): string[] => {
  const { error, exitCode, signal, endedAt, durationMs, survivors, stopped, finding } = attempt
  const style = endedAt === null ? 'cyan' : hasFailed(attempt) ? 'red' : stopped ? 'dim' : 'green'
  const how = error ?? (endedAt === null ? 'still running' : exitText(exitCode, signal))
  const time = durationMs === null ? '' : ` after ${duration(durationMs)}`
  const pid = attempt.pid === null ? '' : ` (pid ${attempt.pid})`
  return [
    `  ${attempt.command}, attempt ${attempt.attempt}: ${paint(style, plainLine(how))}${time}${stopped ? ', asked to stop' : ''}${pid}`,
    ...(finding === null || finding.class === 'failure' || findingText(finding) === how || error !== null
      ? []
      : [`    ${plainLine(findingText(finding))}`]),
    ...survivors.map(({ pid: left, command, endedBy }) => `    left behind: pid ${left} ${plainLine(command)} (${endedBy})`),
    ...(attempt.log === null ? [] : [`    log: ${attempt.log}${attempt.logGap ? ' (has a gap)' : ''}`]),
  ]
}

const section = (title: string, lines: readonly string[], paint: Paint): string[] =>
  lines.length === 0 ? [] : ['', paint('bold', title), ...lines]

const crashLines = ({ actor, exit, handling, decision, peakRssBytes, file }: CrashBrief): string[] => [
  `  ${actor}: ${plainLine(exit)}${handling === null ? '' : `, while handling ${plainLine(handling)}`}`,
  ...(decision === null ? [] : [`  ${plainLine(decision)}`]),
  ...(peakRssBytes === null ? [] : [`  memory: at most ${megabytes(peakRssBytes)}`]),
  `  ${file}`,
]

/** The attempt whose output explains most: of what failed the last that did, else the last. */
const telling = ({ attempts, outcome }: Evidence): Attempt | undefined =>
  (outcome === 'succeeded' ? undefined : attempts.findLast(hasFailed)) ?? attempts.at(-1)

/** The evidence for people: verdict, attempts, decisions with their counters, transitions with causes, last output, what to do. */
export const renderWhy = (evidence: Evidence, paint: Paint): string[] => {
  const { lane, command, outcome, reason, transitions, attempts, decisions, crashes } = evidence
  const start = transitions[0]?.at ?? attempts[0]?.startedAt ?? 0
  const mark = outcome === null ? null : outcomeMark(outcome)
  const verdict = mark === null ? 'has not ended' : paint(mark.style, `${mark.sign} ${mark.word}`)
  const told = telling(evidence)
  return [
    `${paint('bold', command === null ? lane : `${lane}/${command}`)} ${verdict}  (${evidence.runId})`,
    ...[reason, evidence.now].filter((text) => text !== null).map(plainLine),
    ...section(
      `Attempts: ${count(attempts.length, 'attempt')}`,
      attempts.flatMap((attempt) => attemptLines(attempt, paint)),
      paint,
    ),
    ...section(
      'Decisions of its supervisor',
      decisions.map(({ at, command: of, text }) => `${since(at, start)}  ${of === null ? lane : `${lane}/${of}`}: ${text}`),
      paint,
    ),
    ...section(
      'Transitions',
      transitions.map(
        ({ at, of, from, to, event, cause }) =>
          `${since(at, start)}  ${of}: ${from} → ${to}  ${paint('dim', plainLine(`${event}${cause === '' ? '' : `: ${cause}`}`))}`,
      ),
      paint,
    ),
    ...section(
      'Crashes inside signalbox',
      crashes.map(({ at, name, error }) => `${since(at, start)}  ${name}: ${plainLine(error)}`),
      paint,
    ),
    ...section('Last crash', evidence.dossier === null ? [] : crashLines(evidence.dossier), paint),
    ...section(
      told === undefined ? '' : `Last output of ${told.command}, attempt ${told.attempt}`,
      told?.lastLines.map((line) => `  ${plainLine(line)}`) ?? [],
      paint,
    ),
    ...section(
      'Next',
      evidence.next.map((step) => `  ${step}`),
      paint,
    ),
  ]
}
