import type { OrphanProcess } from '../protocols/event-payloads.ts'
import type { Decision } from '../kernel/child-spec.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import { exitText, ordinal, span } from '../protocols/words.ts'

/** What events carry is read with care: they may have been written by another version. */
export const textOf = (event: RecordedEvent, key: string): string => {
  const value = event.payload[key]
  return typeof value === 'string' ? value : ''
}
export const numberOf = (event: RecordedEvent, key: string): number | null => {
  const value = event.payload[key]
  return typeof value === 'number' ? value : null
}
export const listOf = <Item>(event: RecordedEvent, key: string): readonly Item[] => {
  const value = event.payload[key]
  return Array.isArray(value) ? (value as readonly Item[]) : []
}
export const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

export const laneOf = (event: RecordedEvent): string => (event.type.startsWith('lane.') ? textOf(event, 'name') : textOf(event, 'lane'))

/** @returns `lane/command`, `lane`, or `run`. */
export const subjectOf = (event: RecordedEvent): string => {
  const lane = laneOf(event)
  const command = textOf(event, 'command')
  return [lane === '' ? 'run' : lane, ...(command === '' ? [] : [command])].join('/')
}

export const exitOf = (event: RecordedEvent): string => exitText(numberOf(event, 'exitCode'), textOf(event, 'signal') || null)
export const decisionOf = (event: RecordedEvent): Decision => event.payload['decision'] as Decision
export const errorMessage = (value: unknown): string => {
  const { message } = objectOf(value)
  return typeof message === 'string' ? message : 'no cause known'
}

type Told = Pick<Decision, 'decision' | 'restarts' | 'waits' | 'reason' | 'allowed' | 'delayMs' | 'exit'>

/** What a supervisor decided, with the counters behind it. */
export const decisionText = ({ decision, restarts, waits, reason, allowed, delayMs, exit }: Told): string => {
  const limit = `${allowed.restarts} restart${allowed.restarts === 1 ? '' : 's'} allowed`
  switch (decision) {
    case 'restart':
      return `restart ${restarts} of ${allowed.restarts} within ${span(allowed.withinMs)}, after ${span(Math.round(delayMs))}`
    case 'wait':
      return `waits ${span(Math.round(delayMs))} (${ordinal(waits)} in a row; no restart is counted): ${reason ?? ''}`
    case 'escalate':
      if (reason != null) return `gave up: ${reason}`
      return `gave up: ${ordinal(restarts)} failure within ${span(allowed.withinMs)}, ${limit}`
    case 'auto-shutdown':
      return reason == null ? 'ended: the command is over' : `not restarted: ${reason}`
    case 'remove':
      return reason == null ? `not restarted (${exit.reason})` : `not restarted: ${reason}`
  }
}

/** A process that was found to belong to nobody, and what became of it. */
export const orphanText = ({ pid, command, of, endedBy }: OrphanProcess): string =>
  `process ${pid} (${command}) ${of === null ? 'of no record' : `outlived ${of}`}: ${endedBy === null ? 'nothing ends it' : `ended by ${endedBy}`}`
