import type { ActorInfo, DeadLetterInfo, RestartWindow, TraceInfo } from '../protocols/control/views.ts'
import type { Exit } from '../protocols/exit.ts'
import { exitShort } from './render-actors.ts'
import { duration, plainLine } from './text.ts'

const ms = (value: number): string => (value < 10 ? `${value.toFixed(2)} ms` : value < 1_000 ? `${Math.round(value)} ms` : duration(value))

const windowText = ({ used, allowed, withinMs }: RestartWindow): string => `${used} of ${allowed} restarts within ${duration(withinMs)}`

const exitLines = (exit: Exit, depth = 0): readonly string[] => [
  `${'  '.repeat(depth)}${exitShort(exit)}${exit.error === undefined ? '' : `: ${plainLine(exit.error.message)}`}`,
  ...(exit.cause === undefined ? [] : exitLines(exit.cause, depth + 1)),
]

const handlersText = ({ handlers: { forMs, count, sumMs, maxMs, p50Ms, p95Ms, p99Ms, recent } }: ActorInfo): readonly string[] => {
  if (forMs === 0) return ['timed from this look on; look again']
  const rate = `${recent.perSecond.toFixed(1)} messages a second, busy ${Math.round(recent.busy * 100)}% (last ${duration(recent.forMs)})`
  if (count === 0) return [rate]
  return [
    rate,
    `${count} in ${duration(forMs)}: together ${ms(sumMs)}, half ≤ ${ms(p50Ms)}, 95% ≤ ${ms(p95Ms)}, 99% ≤ ${ms(p99Ms)}, longest ${ms(maxMs)}`,
  ]
}

const handlingText = ({ handling }: ActorInfo): string => {
  if (handling === null) return 'nothing'
  const { type, from, forMs } = handling
  return `${type}${from === null ? '' : ` from ${from}`}${forMs === null ? ', since before this look' : `, for ${ms(forMs)}`}`
}

/** One actor: a line for each thing known of it. */
export const renderInfo = (info: ActorInfo): readonly string[] => {
  const { now, most, limit, dropped, oldestMs } = info.mailbox
  const waits = oldestMs === null ? '' : `, the oldest for ${ms(oldestMs)}`
  const fields: readonly (readonly [string, readonly string[]])[] = [
    ['kind', [info.kind]],
    ['under', [info.supervisor ?? 'nobody: it is the root']],
    ['state', [info.upMs === null ? info.state : `${info.state}, for ${duration(info.upMs)}`]],
    ['at work on', [handlingText(info)]],
    ['mailbox', [limit === 0 ? 'none: it does not run' : `${now} of ${limit} wait${waits}; at most ${most} did, ${dropped} lost`]],
    ['handled', [`${info.handled} messages`]],
    ['handlers', handlersText(info)],
    ['restarts', [String(info.restarts)]],
    ...(info.window === null ? [] : [['supervisor', [windowText(info.window)]] as const]),
    ...(info.childWindow === null ? [] : [['children', [windowText(info.childWindow)]] as const]),
    ['last exit', info.lastExit === null ? ['none'] : exitLines(info.lastExit)],
  ]
  return [
    `${info.name}$${info.incarnation}${info.label === null ? '' : ` ${info.label}`}`,
    ...fields.flatMap(([name, lines]) => lines.map((line, index) => `  ${(index === 0 ? name : '').padEnd(11)} ${line}`)),
  ]
}

const clock = (at: number): string => new Date(at).toISOString().slice(11, 23)

/** A dead letter on a line. */
export const renderLetter = ({ number, at, to, from, type, reason }: DeadLetterInfo): string =>
  `${String(number).padStart(5)} ${clock(at)} ${reason.padEnd(9)} ${type} to ${to}${from === null ? '' : ` from ${from}`}`

/** What a trace saw on a line. */
export const renderTrace = (event: TraceInfo): string => {
  const { what, at, actor, waiting, type, from, message, tookMs, error, reason, exit } = event
  return [
    clock(at),
    what.padEnd(9),
    actor,
    ...(type === undefined ? [] : [type]),
    ...(from === undefined || from === null ? [] : [`from ${from}`]),
    ...(tookMs === undefined ? [] : [`in ${ms(tookMs)}`]),
    ...(reason === undefined ? [] : [`(${reason})`]),
    ...(exit === undefined ? [] : [exitShort(exit)]),
    ...(waiting > 0 ? [`[${waiting} wait]`] : []),
    ...(error === undefined ? [] : [`error: ${plainLine(error)}`]),
    ...(message === undefined || message === '{}' ? [] : [plainLine(message)]),
  ].join(' ')
}
