import type { TerminalHost } from '../ports/terminal-host.port.ts'
import type { PtyId, RunId } from '../protocols/ids.ts'
import type { ListenRecorded } from './recorded.ts'
import type { LiveRun } from './run-handle.ts'

/** The runs of this process that go on. */
export type LiveRuns = {
  add(runId: RunId, run: LiveRun): void
  get(runId: RunId): LiveRun | undefined
  all(): readonly LiveRun[]
  /** Forgets a run that never began. */
  remove(runId: RunId): void
  fail(runId: RunId, error: unknown): void
  failAll(error: unknown): void
  /** Notes who asked first. @returns false when there is no such run any more */
  noteStop(runId: RunId, by: string): boolean
  stopAskedBy(runId: RunId): string | null
  /** From now on its processes get no grace; those that run are killed. */
  kill(runId: RunId, by: string): void
  isKilled(runId: RunId): boolean
}

type Entry = { readonly run: LiveRun; stoppedBy: string | null; isKilled: boolean }

/** Keeps the live runs informed; what a run's PTYs are is learnt from the events that pass. */
export const createLiveRuns = (listen: ListenRecorded, terminals: TerminalHost): LiveRuns => {
  const runs = new Map<RunId, Entry>()
  const ptys = new Map<PtyId, RunId>()
  listen((event) => {
    const { runId, ptyId } = event
    if (runId === undefined) return
    if (event.type === 'pty.spawned' && ptyId !== undefined) ptys.set(ptyId, runId)
    if (event.type === 'pty.exited' && ptyId !== undefined) ptys.delete(ptyId)
    runs.get(runId)?.run.apply(event)
    if (event.type === 'run.ended') runs.delete(runId)
  })
  return {
    add: (runId, run) => void runs.set(runId, { run, stoppedBy: null, isKilled: false }),
    get: (runId) => runs.get(runId)?.run,
    all: () => [...runs.values()].map(({ run }) => run),
    remove: (runId) => void runs.delete(runId),
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
      for (const [ptyId, of] of ptys) if (of === runId) void terminals.get(ptyId)?.terminate({ graceMs: 0, askedBy: by })
    },
    isKilled: (runId) => runs.get(runId)?.isKilled ?? false,
  }
}
