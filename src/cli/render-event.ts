import type { OrphanProcess } from '../protocols/event-payloads.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { Plan } from '../protocols/plan.ts'
import type { LaneSummary, RunSummary } from '../protocols/summary.ts'
import {
  decisionOf,
  decisionText,
  errorMessage,
  exitOf,
  listOf,
  numberOf,
  objectOf,
  orphanText,
  subjectOf,
  textOf,
} from '../runtime/event-text.ts'
import { count } from './plural.ts'
import { megabytes, span } from '../protocols/words.ts'
import { column, duration, plainLine } from './text.ts'

type Describe = (event: RecordedEvent) => string

const changed: Describe = (event) => {
  const cause = textOf(event, 'cause')
  return `${textOf(event, 'from')} → ${textOf(event, 'to')} (${textOf(event, 'event')}${cause === '' ? '' : `: ${cause}`})`
}

const exited: Describe = (event) => {
  const survivors = listOf<unknown>(event, 'survivors').length
  return [
    `attempt ${numberOf(event, 'attempt') ?? '?'}: ${exitOf(event)} after ${duration(numberOf(event, 'durationMs') ?? 0)}`,
    `${numberOf(event, 'outputBytes') ?? 0} bytes of output`,
    ...(survivors > 0 ? [`${survivors} left behind and ended`] : []),
    ...(event.payload['logGap'] === true ? ['the log has a gap'] : []),
  ].join(', ')
}

const laneEnded: Describe = (event) => {
  const { outcome, reason, commits, worktree } = event.payload['summary'] as LaneSummary
  const parts = [outcome, ...(reason === null ? [] : [reason]), ...(commits > 0 ? [count(commits, 'commit')] : [])]
  return [...parts, ...(worktree === null ? [] : [`worktree ${worktree}`])].join(', ')
}

const describe: Readonly<Record<string, Describe>> = {
  'run.started': (event) => {
    const plan = event.payload['plan'] as Plan
    return `${count(plan.lanes.length, 'lane')}, ${plan.parallel} at once, keep ${plan.keep}, ${event.runId ?? ''}`
  },
  'run.adopted': (event) => `${textOf(event, 'by')} goes on with it`,
  'run.stopping': (event) => `by ${textOf(event, 'by')}`,
  'run.killing': (event) => `by ${textOf(event, 'by')}`,
  'run.ended': (event) => {
    const { outcome, durationMs } = event.payload['summary'] as RunSummary
    return `${outcome} after ${duration(durationMs)}`
  },
  'lane.created': (event) => `branch ${textOf(event, 'branch')} from ${textOf(event, 'base')} in ${textOf(event, 'worktree')}`,
  'lane.state-changed': changed,
  'lane.ended': laneEnded,
  'pty.adopted': (event) => `attempt ${numberOf(event, 'attempt') ?? '?'}: pid ${numberOf(event, 'pid') ?? '?'} outlived its orchestrator`,
  'pty.spawned': (event) => `attempt ${numberOf(event, 'attempt') ?? '?'}: pid ${numberOf(event, 'pid') ?? '?'}`,
  'pty.state-changed': changed,
  'pty.exited': exited,
  'pty.output': (event) => `attempt ${numberOf(event, 'attempt') ?? '?'}: ${numberOf(event, 'offset') ?? '?'} bytes so far`,
  'pty.backpressure': (event) =>
    `${Math.round((numberOf(event, 'fill') ?? 0) * 100)} % behind: ${numberOf(event, 'behindBytes') ?? '?'} bytes are not read (${textOf(event, 'reader')})`,
  'pty.overflow': (event) =>
    `${numberOf(event, 'droppedBytes') ?? '?'} bytes given up, ${numberOf(event, 'totalBytes') ?? '?'} in all; the log has them`,
  'pty.idled': (event) =>
    `idle for ${span(numberOf(event, 'idleAfterMs') ?? 0)}: ${textOf(event, 'condition')}, ${textOf(event, 'evidence')}`,
  'orphans.found': (event) => listOf<OrphanProcess>(event, 'processes').map(orphanText).join('; '),
  'pty.health': (event) =>
    [
      textOf(event, 'condition'),
      count(numberOf(event, 'processes') ?? 0, 'process'),
      `${numberOf(event, 'cpuPercent') ?? '?'} % CPU`,
      ...(numberOf(event, 'memoryBytes') === null ? [] : [megabytes(numberOf(event, 'memoryBytes') ?? 0)]),
    ].join(', '),
  'pty.error': (event) => errorMessage(event.payload['error']),
  'supervisor.decided': (event) => decisionText(decisionOf(event)),
  'actor.intervened': (event) =>
    `${textOf(event, 'intervention')} ${textOf(event, 'name')}$${numberOf(event, 'incarnation') ?? '?'} by ${textOf(event, 'by')}`,
  'actor.crashed': (event) => {
    const exit = objectOf(event.payload['exit'])
    return `${textOf(event, 'name')}: ${errorMessage(exit['error'])}`
  },
}

const safely = (event: RecordedEvent): string => {
  try {
    return describe[event.type]?.(event) ?? ''
  } catch {
    // written by another version: the type alone is better than no line
    return ''
  }
}

/**
 * One event as one line of plain text: time since the start, lane and command, type, what happened.
 * @param startedAt of the run, ms since the epoch
 */
export const renderEvent = (event: RecordedEvent, startedAt: number): string => {
  const time = `${(Math.max(0, event.at - startedAt) / 1_000).toFixed(2)}s`.padStart(9)
  const subject = column(subjectOf(event), Math.max(20, subjectOf(event).length))
  return plainLine(`${time}  ${subject}  ${event.type.padEnd(18)}  ${safely(event)}`)
}

/** One event as one line of plain text, for a list over days: place, time, subject, type, what happened. */
export const renderEventAt = (event: RecordedEvent): string => {
  const place = (event.sequence === 0 ? 'live' : String(event.sequence)).padStart(7)
  const time = new Date(event.at).toISOString().replace('T', ' ')
  const subject = column(subjectOf(event), Math.max(20, subjectOf(event).length))
  return plainLine(`${place}  ${time}  ${subject}  ${event.type.padEnd(18)}  ${safely(event)}`)
}
