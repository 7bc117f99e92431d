import type { TerminalHost } from '../ports/terminal-host.port.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { PtyId, RunId } from '../protocols/ids.ts'
import type { Plan } from '../protocols/plan.ts'
import type { ListenRecorded } from './recorded.ts'
import type { LiveRun } from './run-handle.ts'

/** The runs of this process that go on. */
export type LiveRuns = {
  add(runId: RunId, run: LiveRun, plan: Plan): void
  /** What happened in a run before this process had it. */
  hear(past: RecordedEvent): void
  get(runId: RunId): LiveRun | undefined
  /** In the order of their start. */
  all(): readonly LiveRun[]
  fail(runId: RunId, error: unknown): void
  failAll(error: unknown): void
  /** Notes who asked first. @returns false when there is no such run any more */
  noteStop(runId: RunId, by: string): boolean
  stopAskedBy(runId: RunId): string | null
  /** From now on its processes get no grace; those that run are killed. */
  kill(runId: RunId, by: string): void
  isKilled(runId: RunId): boolean
  /** The longest that commands of one lane, of any run so far, may take to end one after the other. ms */
  readonly longestStopMs: number
  /** Of the command behind a PTY, in ms; undefined when that is not known. */
  graceOf(ptyId: string): number | undefined
  /** What people call the thing with this id, or with an actor's name that ends in it: `lane`, `lane/command`; else the name itself. */
  labelOf(name: string): string
}

type Entry = { readonly run: LiveRun; readonly plan: Plan; stoppedBy: string | null; isKilled: boolean }
type Process = { readonly runId: RunId; readonly graceMs: number }

/** Keeps the live runs informed; what a run's lanes and PTYs are is learnt from the events that pass. */
export const createLiveRuns = (listen: ListenRecorded, terminals: TerminalHost): LiveRuns => {
  const runs = new Map<RunId, Entry>()
  const ptys = new Map<PtyId, Process>()
  const labels = new Map<string, { readonly runId: RunId; readonly label: string }>()
  let longestStopMs = 0
  const forget = (runId: RunId): void => {
    runs.delete(runId)
    for (const [id, known] of labels) if (known.runId === runId) labels.delete(id)
  }
  const hear = (event: RecordedEvent): void => {
    const { runId, laneId, terminalId, ptyId, payload, type } = event
    if (runId === undefined) return
    if (type === 'lane.created' && laneId !== undefined) labels.set(laneId, { runId, label: String(payload['name']) })
    if (type === 'pty.state-changed') {
      const known = { runId, label: `${String(payload['lane'])}/${String(payload['command'])}` }
      for (const id of [terminalId, ptyId]) if (id !== undefined) labels.set(id, known)
    }
    if (type === 'pty.spawned' && ptyId !== undefined) {
      const lane = runs.get(runId)?.plan.lanes.find(({ name }) => name === payload['lane'])
      const graceMs = lane?.commands.find(({ name }) => name === payload['command'])?.graceMs ?? 0
      ptys.set(ptyId, { runId, graceMs })
    }
    if (type === 'pty.exited' && ptyId !== undefined) ptys.delete(ptyId)
    runs.get(runId)?.run.apply(event)
    if (type === 'run.ended') forget(runId)
  }
  listen(hear)
  return {
    add(runId, run, plan) {
      const sums = plan.lanes.map(({ commands }) => commands.reduce((sum, { graceMs }) => sum + graceMs, 0))
      longestStopMs = Math.max(longestStopMs, ...sums)
      runs.set(runId, { run, plan, stoppedBy: null, isKilled: false })
    },
    hear,
    get: (runId) => runs.get(runId)?.run,
    all: () => [...runs.values()].map(({ run }) => run),
    fail(runId, error) {
      const entry = runs.get(runId)
      runs.delete(runId)
      entry?.run.fail(error)
    },
    failAll(error) {
      for (const { run } of runs.values()) run.fail(error)
      runs.clear()
    },
    noteStop(runId, by) {
      const entry = runs.get(runId)
      if (entry !== undefined) entry.stoppedBy ??= by
      return entry !== undefined
    },
    stopAskedBy: (runId) => runs.get(runId)?.stoppedBy ?? null,
    kill(runId, by) {
      const entry = runs.get(runId)
      if (entry === undefined) return
      entry.isKilled = true
      for (const [ptyId, of] of ptys)
        if (of.runId === runId)
          terminals
            .get(ptyId)
            ?.terminate({ graceMs: 0, askedBy: by })
            .catch(() => undefined) // lost meanwhile: its actor is told
    },
    isKilled: (runId) => runs.get(runId)?.isKilled ?? false,
    get longestStopMs() {
      return longestStopMs
    },
    graceOf: (ptyId) => ptys.get(ptyId as PtyId)?.graceMs,
    labelOf: (name) => labels.get(name.slice(name.lastIndexOf(':') + 1))?.label ?? name,
  }
}
