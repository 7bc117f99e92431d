import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import type { EventStore } from '../../ports/event-store.port.ts'
import type { ProcessInfo, ProcessTable } from '../../ports/process-table.port.ts'
import type { DoctorFinding } from '../../protocols/doctor.ts'
import type { PtyRecord, RunRecord } from '../../protocols/records.ts'
import type { Owner } from '../owners.ts'
import type { Environment } from '../environment.ts'

/** What doctor looks at once and decides by. */
export type Scene = {
  readonly env: Environment
  readonly store: EventStore
  readonly owners: readonly Owner[]
  readonly runs: ReadonlyMap<string, RunRecord>
  readonly fix: boolean
}

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2_000
const LOOK_EVERY_MS = 25
/** Passes over the process table: what was forked meanwhile is met in the next one. */
const PASSES = 5

const wait = (ms: number): Promise<void> => new Promise((resolve) => void systemClock.setTimer(ms, resolve))

/** @returns whether the run goes on: it has not ended and its process lives. */
export const goesOn = (scene: Scene, run: RunRecord | undefined): boolean =>
  run !== undefined && run.endedAt === null && scene.env.processTable.isAlive(run.owner)

const ancestors = async (table: ProcessTable, marked: readonly ProcessInfo[]): Promise<ReadonlySet<number>> => {
  const parents = new Map(marked.map(({ pid, ppid }) => [pid, ppid]))
  const own = new Set<number>([process.pid])
  for (let pid: number | undefined = process.ppid; pid !== undefined && !own.has(pid); pid = parents.get(pid)) own.add(pid)
  return own
}

const belongsTo = async (scene: Scene, { mark }: ProcessInfo): Promise<RunRecord | null> => {
  const ptyId = mark?.split('/')[1] ?? ''
  const pty = (await scene.store.record('pty', ptyId))?.value as PtyRecord | undefined
  return pty === undefined ? null : (scene.runs.get(pty.runId) ?? null)
}

const mayEnd = async (scene: Scene, found: ProcessInfo): Promise<{ end: boolean; why: string }> => {
  const run = await belongsTo(scene, found)
  if (run !== null && goesOn(scene, run)) return { end: false, why: `it belongs to ${run.id}, which goes on in process ${run.owner.pid}` }
  if (run !== null) return { end: true, why: `it outlived ${run.id}` }
  if (scene.owners.length > 0)
    return { end: false, why: `no record names it, and process ${scene.owners[0]?.pid} runs lanes of this repository` }
  return { end: true, why: 'it carries our marker, no record names it, and nothing runs lanes of this repository' }
}

const end = async (table: ProcessTable, found: ProcessInfo): Promise<boolean> => {
  table.signal(found, 'SIGCONT')
  table.signal(found, 'SIGTERM')
  for (const [signal, limitMs] of [['SIGKILL', GRACE_MS] as const, [null, GRACE_MS] as const]) {
    for (let waited = 0; waited < limitMs; waited += LOOK_EVERY_MS) {
      if (!table.isAlive(found)) return true
      await wait(LOOK_EVERY_MS)
    }
    if (signal !== null) table.signal(found, signal)
  }
  return !table.isAlive(found)
}

/** Processes that carry the marker of this workspace and belong to no run that goes on. */
export const sweepProcesses = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const { processTable, workspaceId } = scene.env
  const findings = new Map<string, DoctorFinding>()
  for (let pass = 0; pass < PASSES; pass += 1) {
    const marked = await processTable.findByMark(`${workspaceId}/`)
    const own = await ancestors(processTable, marked)
    const ended: Promise<void>[] = []
    for (const found of marked.filter(({ pid }) => !own.has(pid))) {
      const key = `${found.pid}/${found.startTime}`
      const { end: wanted, why } = await mayEnd(scene, found)
      const finding = { kind: 'process', what: `process ${found.pid} (${found.command})`, why } as const
      if (!wanted || !scene.fix) findings.set(key, { ...finding, action: wanted ? 'would-remove' : 'left' })
      else {
        const attempt = end(processTable, found).then((gone) => {
          findings.set(
            key,
            gone ? { ...finding, action: 'removed' } : { ...finding, why: `${why}, but it survived SIGKILL`, action: 'left' },
          )
        })
        ended.push(attempt)
      }
    }
    await Promise.all(ended)
    if (ended.length === 0) break
  }
  return [...findings.values()]
}
