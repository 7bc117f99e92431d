import type { DeadLetter, ExitReason } from '../kernel/types.ts'
import type { ErrorRecord } from '../protocols/errors.ts'
import { note } from './recording.ts'

type At = {
  /** Simulated ms from the start of the run. */
  readonly at: number
}
type Lost = Pick<DeadLetter, 'to' | 'from' | 'type' | 'reason'>

/** What happened in a simulation, as plain data without anything of the machine in it. Actors are named `name$incarnation`. */
export type TraceEvent = At &
  (
    | { readonly event: 'started'; readonly actor: string; readonly supervisor: string | null }
    /** A handler returned, or threw; `began` when it was called. */
    | { readonly event: 'handled'; readonly actor: string; readonly type: string; readonly began: number; readonly ended: 'well' | 'threw' }
    | { readonly event: 'exited'; readonly actor: string; readonly reason: ExitReason; readonly error: string | null }
    | {
        readonly event: 'decided'
        readonly supervisor: string
        readonly child: string
        readonly decision: string
        readonly restarts: number
        readonly delayMs: number
        readonly group: readonly string[]
      }
    | ({ readonly event: 'dead-letter' } & Lost)
    /** A timer of whatever kind fired. */
    | { readonly event: 'timer'; readonly delayMs: number }
    /** A step moved the time, or the clock jumped. */
    | { readonly event: 'time'; readonly now: number }
    /** A fault struck. */
    | { readonly event: 'fault'; readonly site: string; readonly kind: string }
    /** A port was called, or a call of it settled. */
    | { readonly event: 'port'; readonly port: string; readonly method: string; readonly did: 'called' | 'done' | 'failed' }
    /** An ask of a step was answered, or failed. */
    | { readonly event: 'answered'; readonly step: number; readonly value: unknown }
    | { readonly event: 'refused'; readonly step: number; readonly error: string }
    /** The tree could not start. */
    | { readonly event: 'start-failed'; readonly error: string }
  )

type WithoutTime<E> = E extends unknown ? Omit<E, 'at'> : never
export type Happening = WithoutTime<TraceEvent>

/** Keeps what happened, in order. */
export class TraceRecorder {
  readonly events: TraceEvent[] = []
  private readonly time: () => number

  constructor(time: () => number) {
    this.time = time
  }

  add(happening: Happening): void {
    const event = { at: this.time(), ...happening } as TraceEvent
    this.events.push(event)
    note(() => lineOf(event))
  }
}

/** An error as it stands in a trace: by its code where it has one. */
export const errorText = (error: unknown): string => {
  const { code, message } = typeof error === 'object' && error !== null ? (error as Partial<ErrorRecord>) : {}
  if (typeof code === 'string' && code !== 'ERR_UNKNOWN') return code
  return typeof message === 'string' ? message : String(error)
}

/** A value as plain data, so that a trace can be stored and compared. */
export const plainValue = (value: unknown): unknown => {
  try {
    return JSON.parse(JSON.stringify(value ?? null)) as unknown
  } catch {
    return String(value)
  }
}

const lineOf = ({ at, event, ...rest }: TraceEvent): string => {
  const facts = Object.entries(rest).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return `${String(at).padStart(8)} ms  ${event.padEnd(12)} ${facts.join(' ')}`
}

/** One line per event, for people. */
export const formatTrace = (trace: readonly TraceEvent[]): string => trace.map(lineOf).join('\n')
