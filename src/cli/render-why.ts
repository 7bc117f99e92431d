import { findingText } from '../protocols/exit-words.ts'
import type { WhyAnswer, WhyAttempt, WhyCause, WhyNext, WhyState } from '../protocols/why.ts'
import type { Paint, Style } from './paint.ts'
import { megabytes } from '../protocols/words.ts'
import { duration, exitText, plainLine, wholeSeconds } from './text.ts'
import { wrap } from './wrap.ts'

type Mark = { readonly sign: string; readonly word: string; readonly style: Style }

const MARKS: Readonly<Record<WhyState, Mark>> = {
  waiting: { sign: '·', word: 'waits', style: 'yellow' },
  preparing: { sign: '●', word: 'is being prepared', style: 'cyan' },
  ready: { sign: '●', word: 'is ready', style: 'cyan' },
  running: { sign: '●', word: 'runs', style: 'cyan' },
  backoff: { sign: '↻', word: 'waits before it is tried again', style: 'yellow' },
  restarting: { sign: '↻', word: 'is being restarted', style: 'yellow' },
  stuck: { sign: '!', word: 'is stuck', style: 'red' },
  stopping: { sign: '■', word: 'is being stopped', style: 'yellow' },
  cleaning: { sign: '■', word: 'is being cleaned up', style: 'cyan' },
  succeeded: { sign: '✔', word: 'succeeded', style: 'green' },
  failed: { sign: '✘', word: 'failed', style: 'red' },
  skipped: { sign: '-', word: 'was skipped', style: 'dim' },
  interrupted: { sign: '!', word: 'was interrupted', style: 'yellow' },
  stopped: { sign: '■', word: 'was stopped', style: 'dim' },
  lost: { sign: '!', word: 'was lost', style: 'red' },
  ended: { sign: '■', word: 'has ended', style: 'dim' },
}

/** The chain is cut in the middle: how it began and how it ended are what matters. */
const FIRST_STEPS = 4
const LAST_STEPS = 10
const LAST_LINES = 10

const two = (value: number): string => String(value).padStart(2, '0')

/** The time of day, as the clock on the wall shows it. */
const clock = (at: number): string => {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
}

const day = (at: number): string => {
  const date = new Date(at)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** With the day where that is not today. */
const moment = (at: number, now: number): string => (day(at) === day(now) ? clock(at) : `${day(at)} ${clock(at)}`)

const sinceText = ({ state, since, at }: WhyAnswer): string => {
  if (since === null) return ''
  const isOver = ['succeeded', 'failed', 'skipped', 'interrupted', 'stopped', 'lost', 'ended'].includes(state)
  const ago = wholeSeconds(at - since)
  return isOver ? ` at ${moment(since, at)} (${ago} ago)` : ` since ${moment(since, at)} (for ${ago})`
}

const nextText = ({ what, at }: WhyNext, now: number): string => {
  if (at === null) return what
  return at > now ? `at ${moment(at, now)} (in ${wholeSeconds(at - now + 999)}): ${what}` : `now: ${what}`
}

const section = (title: string, lines: readonly string[], paint: Paint): string[] =>
  lines.length === 0 ? [] : ['', paint('bold', title), ...lines]

const causeLines = (causes: readonly WhyCause[], now: number): string[] => {
  const line = ({ at, sequence, what, by }: WhyCause): string[] => {
    const number = sequence === null ? '' : `#${sequence}`
    const whose = by === null || by === '' ? '' : `, by ${by}`
    return wrap(plainLine(`${what}${whose}`), `  ${moment(at, now)}  ${number.padStart(5)}  `)
  }
  if (causes.length <= FIRST_STEPS + LAST_STEPS + 1) return causes.flatMap(line)
  const left = causes.length - FIRST_STEPS - LAST_STEPS
  return [
    ...causes.slice(0, FIRST_STEPS).flatMap(line),
    `  … ${left} steps more; --evidence shows them`,
    ...causes.slice(-LAST_STEPS).flatMap(line),
  ]
}

const remedyLines = ({ remedies }: WhyAnswer): string[] =>
  remedies.flatMap(({ what, command }) => [...wrap(plainLine(what)), ...(command === null ? [] : [`    $ ${plainLine(command)}`])])

/** The attempt whose output explains most: of what failed the last that did, else the last that said something. */
const telling = ({ attempts, state }: WhyAnswer): WhyAttempt | undefined =>
  (state === 'succeeded'
    ? undefined
    : attempts.findLast(({ exitCode, stopped, endedAt }) => endedAt !== null && exitCode !== 0 && !stopped)) ?? attempts.at(-1)

const attemptLines = (attempt: WhyAttempt): string[] => {
  const { error, exitCode, signal, endedAt, durationMs, survivors, stopped, lost, finding } = attempt
  const how = error ?? (lost ? 'lost' : endedAt === null ? 'still running' : exitText(exitCode, signal))
  const time = durationMs === null ? '' : ` after ${duration(durationMs)}`
  const pid = attempt.pid === null ? '' : ` (pid ${attempt.pid})`
  const told = finding === null || finding.class === 'failure' || findingText(finding) === how || error !== null
  return [
    ...wrap(plainLine(`${attempt.command}, attempt ${attempt.attempt}: ${how}${time}${stopped ? ', asked to stop' : ''}${pid}`)),
    ...(told ? [] : wrap(plainLine(findingText(finding)), '    ')),
    ...survivors.flatMap(({ pid: left, command, endedBy }) => wrap(plainLine(`left behind: pid ${left} ${command} (${endedBy})`), '    ')),
    ...(attempt.log === null ? [] : [`    ${attempt.log}${attempt.logGap ? ' (has a gap)' : ''}`]),
  ]
}

const crashLines = ({ dossier }: WhyAnswer): string[] => {
  if (dossier === null) return []
  const { actor, exit, handling, decision, peakRssBytes, file } = dossier
  return [
    ...wrap(plainLine(`${actor}: ${exit}${handling === null ? '' : `, while handling ${handling}`}`)),
    ...(decision === null ? [] : wrap(plainLine(decision))),
    ...(peakRssBytes === null ? [] : [`  memory: at most ${megabytes(peakRssBytes)}`]),
    `  ${file}`,
  ]
}

/** All that is recorded, for who does not believe the summary. */
const evidenceLines = (answer: WhyAnswer, paint: Paint): string[] => [
  ...section('Attempts', answer.attempts.flatMap(attemptLines), paint),
  ...section(
    'Decisions',
    answer.decisions.flatMap(({ at, command, text }) =>
      wrap(plainLine(`${command === null ? '' : `${command}: `}${text}`), `  ${moment(at, answer.at)}  `),
    ),
    paint,
  ),
  ...section(
    'Transitions',
    answer.transitions.flatMap(({ at, of, from, to, event, cause }) =>
      wrap(plainLine(`${of}: ${from} → ${to} (${event}${cause === '' ? '' : `: ${cause}`})`), `  ${moment(at, answer.at)}  `),
    ),
    paint,
  ),
  ...section(
    'Crashes inside signalbox',
    answer.crashes.flatMap(({ at, name, error }) => wrap(plainLine(`${name}: ${error}`), `  ${moment(at, answer.at)}  `)),
    paint,
  ),
  ...section('Last crash', crashLines(answer), paint),
]

/**
 * An answer for people, in 80 columns: how it stands and why, what led to it, what comes, what one can do.
 * @param options evidence: with all that is recorded, and no step left out
 */
export const renderWhy = (answer: WhyAnswer, paint: Paint, { evidence }: { readonly evidence: boolean }): string[] => {
  const { subject, state, summary, causes, next, at } = answer
  const mark = MARKS[state]
  const told = telling(answer)
  const lastLines = told?.lastLines.slice(-LAST_LINES) ?? []
  const chain = evidence ? causes.flatMap((cause) => causeLines([cause], at)) : causeLines(causes, at)
  return [
    `${paint('bold', subject.name)} ${paint(mark.style, `${mark.sign} ${mark.word}`)}${sinceText(answer)}`,
    ...summary.split('\n').flatMap((line) => wrap(plainLine(line))),
    ...section('What led to it', chain, paint),
    ...section(
      told === undefined ? '' : `Last output of ${told.command}, attempt ${told.attempt}`,
      lastLines.map((line) => `  ${plainLine(line)}`),
      paint,
    ),
    ...(evidence ? evidenceLines(answer, paint) : []),
    ...section('What happens next', next === null ? [] : wrap(plainLine(nextText(next, at))), paint),
    ...section('What you can do', remedyLines(answer), paint),
  ]
}
