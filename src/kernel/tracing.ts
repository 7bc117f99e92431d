import type { Clock } from '../ports/clock.port.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { To } from './delivery-errors.ts'
import type { Incarnation } from './incarnation.types.ts'
import { Trace } from './trace.ts'
import type { TraceEvent, TraceHandle, TraceOptions } from './trace.types.ts'
import type { DeadLetter } from './types.ts'
import { Watcher } from './watcher.ts'

/** The traces of a kernel, and who is watched from its start on. */
export class Tracing {
  private readonly clock: Clock
  private readonly historySize: number
  private traces: readonly Trace[] = []

  constructor(clock: Clock, historySize: number) {
    this.clock = clock
    this.historySize = atLeast(0, 'history', historySize)
  }

  get isOn(): boolean {
    return this.traces.length > 0
  }

  /** @param root whose tree there is to be seen */
  open(root: Incarnation, options: TraceOptions, sink: (event: TraceEvent) => void): TraceHandle {
    atLeast(1, 'max', options.max)
    atLeast(1, 'everyNth', options.everyNth ?? 1)
    const trace = new Trace(options, sink, this.clock, (over) => (this.traces = this.traces.filter((one) => one !== over)))
    this.traces = [...this.traces, trace]
    if (root.exit === null) this.attach(trace, root)
    else trace.end('system-ended')
    return {
      stop: () => trace.end('stopped'),
      get count() {
        return trace.count
      },
      ended: trace.ended,
    }
  }

  /** @returns the watcher of an actor that starts; null where nobody looks */
  watcherOf(actor: Incarnation): Watcher | null {
    if (this.historySize === 0 && !this.isOn) return null
    const traces = this.traces.filter((trace) => trace.covers(actor))
    if (this.historySize === 0 && traces.length === 0) return null
    const watcher = new Watcher(actor, this.clock, this.historySize)
    for (const trace of traces) trace.attach(watcher)
    return watcher
  }

  /** A message that nobody handled. That of a handler that threw has been told as failed. */
  dropped(to: To, waiting: number, type: string, message: unknown, from: string | null, reason: DeadLetter['reason']): void {
    if (reason === 'poison') return
    for (const trace of this.traces) trace.dropped(to, waiting, type, message, from, reason)
  }

  close(): void {
    for (const trace of this.traces) trace.end('system-ended')
  }

  private attach(trace: Trace, actor: Incarnation): void {
    if (actor.exit === null && trace.covers(actor)) trace.attach((actor.watcher ??= new Watcher(actor, this.clock, this.historySize)))
    for (let name = actor.ties?.names ?? null; name !== null; name = name.earlier)
      if (name.current !== null) this.attach(trace, name.current)
  }
}

const atLeast = (least: number, name: string, value: number): number => {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new SignalboxError('ERR_OPTION_INVALID', `"${name}" is ${value}, and must be a whole number from ${least} on`, {
    context: { option: name, value },
  })
}
