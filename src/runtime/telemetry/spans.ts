import { type Attributes, type Context, context, type Span, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api'
import type { Decision } from '../../kernel/child-spec.ts'
import type { ExitFinding } from '../../protocols/exit-class.ts'
import type { ErrorRecord } from '../../protocols/errors.ts'
import type { RecordedEvent } from '../../protocols/events.ts'
import type { LaneId, RunId } from '../../protocols/ids.ts'
import { redactText } from '../../protocols/redact.ts'
import { redactValue } from '../../protocols/redact-value.ts'
import type { LaneSummary, RunSummary } from '../../protocols/summary.ts'

/** Without those that are not known. */
const known = (attributes: Readonly<Record<string, Attributes[string] | null>>): Attributes =>
  Object.fromEntries(Object.entries(attributes).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value]])))

const idsOf = ({ runId, laneId, terminalId, ptyId }: RecordedEvent): Attributes =>
  known({
    'signalbox.run.id': runId,
    'signalbox.lane.id': laneId,
    'signalbox.terminal.id': terminalId,
    'signalbox.pty.id': ptyId,
  })

const fail = (span: Span, type: string, message: string | null): void => {
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== null && { message: redactText(message) }) })
}

/**
 * A span for each run, lane and attempt of a command that this process has begun, from what is recorded of them. Names of
 * attributes are those of the semantic conventions of OpenTelemetry where there are some (process.*, error.type).
 */
export class Spans {
  private readonly tracer: Tracer = trace.getTracer('signalbox')
  /** What is to be the parent, by run and by lane of its own. */
  private readonly begun = new Map<string, Context>()
  /** By run, lane and PTY. */
  private readonly open = new Map<string, Span>()

  /** Somebody asks for a run, or for a lane of its own: what they are at is the parent. */
  begin(id: RunId | LaneId): void {
    this.begun.set(id, context.active())
  }

  /** It did not come to be. */
  forget(id: RunId | LaneId): void {
    this.begun.delete(id)
  }

  learn(event: RecordedEvent): void {
    const { type, at, payload, runId, laneId, ptyId } = event
    switch (type) {
      case 'run.started':
        return this.start(runId, this.begun.get(runId ?? ''), event, 'run', {})
      case 'run.ended':
        return this.runEnded(event, payload['summary'] as RunSummary)
      case 'lane.created':
        return this.start(laneId, this.within(runId) ?? this.begun.get(laneId ?? ''), event, `lane ${String(payload['name'])}`, {
          'signalbox.lane.name': payload['name'] as string,
          'signalbox.branch': payload['branch'] as string,
        })
      case 'lane.ended':
        return this.laneEnded(event, payload['summary'] as LaneSummary)
      case 'supervisor.decided':
        return this.decided(event, payload['decision'] as Decision)
      case 'pty.spawned':
        this.open
          .get(ptyId ?? '')
          ?.setAttributes({ ...processOf(payload) })
          .addEvent('spawned', at)
        return
      case 'pty.exited':
        return this.exited(event)
      case 'pty.error':
        return this.notStarted(event)
      case 'pty.state-changed':
        return this.stateChanged(event)
      default:
    }
  }

  /** What goes on has no end that anybody would tell. */
  close(): void {
    for (const span of this.open.values()) span.setAttribute('signalbox.outcome', 'unfinished').end()
    this.open.clear()
    this.begun.clear()
  }

  private within(id: string | undefined): Context | undefined {
    const span = this.open.get(id ?? '')
    return span && trace.setSpan(this.begun.get(id ?? '') ?? context.active(), span)
  }

  /** Without a parent it is another process's. */
  private start(id: string | undefined, parent: Context | undefined, event: RecordedEvent, name: string, attributes: Attributes): void {
    if (id === undefined || parent === undefined) return
    this.open.set(id, this.tracer.startSpan(name, { startTime: event.at, attributes: { ...idsOf(event), ...attributes } }, parent))
  }

  private end(id: string | undefined, at: number, attributes: Attributes, failure?: { type: string; message: string | null }): void {
    const span = this.open.get(id ?? '')
    if (span === undefined) return
    span.setAttributes(attributes)
    if (failure !== undefined) fail(span, failure.type, failure.message)
    span.end(at)
    this.open.delete(id ?? '')
  }

  private runEnded({ runId, at }: RecordedEvent, { outcome, ok, lanes }: RunSummary): void {
    const failed = lanes.filter((lane) => lane.outcome === 'failed').map(({ name }) => name)
    this.end(runId, at, { 'signalbox.outcome': outcome }, ok ? undefined : { type: outcome, message: failed.join(', ') || null })
    this.begun.delete(runId ?? '')
  }

  private laneEnded({ laneId, at }: RecordedEvent, { outcome, reason, commits }: LaneSummary): void {
    const failure = outcome === 'failed' ? { type: outcome, message: reason } : undefined
    this.end(laneId, at, { 'signalbox.outcome': outcome, 'signalbox.commits': commits }, failure)
    this.begun.delete(laneId ?? '')
  }

  private decided({ laneId, at, payload }: RecordedEvent, { decision, restarts, delayMs, reason }: Decision): void {
    const attributes = {
      'signalbox.command.name': payload['command'] as string | undefined,
      'signalbox.decision': decision,
      'signalbox.restarts': restarts,
      'signalbox.delay_ms': delayMs,
      'signalbox.reason': reason === null ? null : redactText(reason),
    }
    this.open.get(laneId ?? '')?.addEvent('supervisor decided', known(attributes), at)
  }

  private stateChanged(event: RecordedEvent): void {
    const { ptyId, laneId, at, payload } = event
    if (payload['event'] === 'spawn') {
      const parent = this.within(laneId) ?? this.begun.get(laneId ?? '')
      return this.start(ptyId, parent, event, `command ${String(payload['command'])}`, {
        'signalbox.lane.name': payload['lane'] as string,
        'signalbox.command.name': payload['command'] as string,
        'signalbox.attempt': payload['attempt'] as number,
      })
    }
    // Its end was told before, unless it was stopped before it ran, or was lost.
    if (payload['to'] === 'stopped') this.end(ptyId, at, {})
    else if (payload['to'] === 'errored') this.end(ptyId, at, {}, { type: String(payload['event']), message: String(payload['cause']) })
  }

  private exited({ ptyId, at, payload }: RecordedEvent): void {
    const { exitCode, signal, signals, finding, outputBytes } = payload as {
      readonly exitCode: number | null
      readonly signal: string | null
      readonly signals: readonly object[]
      readonly finding: ExitFinding | null
      readonly outputBytes: number
    }
    const attributes = { 'process.exit.code': exitCode, 'signalbox.signal': signal, 'signalbox.output_bytes': outputBytes }
    const failed = exitCode !== 0 && signals.length === 0
    const ending = signal ?? `exit code ${exitCode}`
    this.end(ptyId, at, known(attributes), failed ? { type: finding?.class ?? ending, message: ending } : undefined)
  }

  private notStarted({ ptyId, at, payload }: RecordedEvent): void {
    const { code, message } = (payload['error'] ?? { code: 'ERR_UNKNOWN', message: '' }) as Pick<ErrorRecord, 'code' | 'message'>
    this.end(ptyId, at, {}, { type: code, message })
  }
}

const processOf = ({ pid, argv, cwd }: RecordedEvent['payload']): Attributes => {
  const args = redactValue(argv ?? []) as readonly string[]
  return known({
    'process.pid': pid as number | null,
    'process.command': args[0],
    'process.command_args': [...args],
    'process.working_directory': cwd as string | null,
  })
}
