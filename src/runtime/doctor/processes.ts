import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import type { ProcessInfo, ProcessTable } from '../../ports/process-table.port.ts'
import type { DoctorFinding } from '../../protocols/doctor.ts'
import type { PtyRecord, RunRecord } from '../../protocols/records.ts'
import { isCheckOut } from '../check-outs.ts'
import { endProcess, endsWithin } from '../end-process.ts'
import { ownLine } from './ancestors.ts'
import { goesOn, livingOwner, runRecord, runsHere, type Scene } from './scene.ts'

/** A check-out that outlived its run goes on for so long before it is ended: let to its end it leaves nothing half-made. */
const CHECK_OUT_PATIENCE_MS = 5_000
/** Passes over the process table: what was forked meanwhile is met in the next one. */
const PASSES = 5

const ptyOf = async (scene: Scene, { mark }: ProcessInfo): Promise<PtyRecord | undefined> =>
  (await scene.store.record('pty', mark?.split('/')[1] ?? ''))?.value as PtyRecord | undefined

/** The records are read after the process was seen: they are written before it is started. */
const mayEnd = async (scene: Scene, found: ProcessInfo): Promise<{ end: boolean; why: string }> => {
  const owner = await livingOwner(scene)
  const pty = await ptyOf(scene, found)
  if (pty !== undefined && scene.held.has(pty.id)) {
    const next = owner === null ? '; signalbox up takes it over' : ''
    return {
      end: false,
      why: `it belongs to ${pty.lane}/${pty.command}, which the terminal host (pid ${scene.held.pid}) holds${next}`,
    }
  }
  if (pty?.runId === null) {
    const place = `terminal ${pty.command} of lane ${pty.lane}`
    return owner === null
      ? { end: true, why: `it outlived ${place}` }
      : { end: false, why: `it belongs to ${place}, and ${runsHere(owner)}` }
  }
  const run: RunRecord | undefined = pty === undefined ? undefined : await runRecord(scene, pty.runId)
  if (run !== undefined && goesOn(scene, run))
    return { end: false, why: `it belongs to ${run.id}, which goes on in process ${run.owner.pid}` }
  if (run !== undefined) return { end: true, why: `it outlived ${run.id}` }
  if (owner !== null) return { end: false, why: `no record names it, and ${runsHere(owner)}` }
  return { end: true, why: 'it carries our marker, no record names it, and nothing runs lanes of this repository' }
}

const whereOf = (table: ProcessTable, found: ProcessInfo): string => {
  const where = table.sleepsIn?.(found) ?? null
  const state = table.describe?.(found.pid)?.state ?? found.state
  return where === null ? ` (state ${state})` : ` (state ${state}, in ${where} of the kernel)`
}

/** It waits for all that have no other parent, in its own time. */
const FIRST_PROCESS = 1

/** The dead that nobody waits for take a pid each; only their parent, or its end, can free it. */
const zombies = async ({ env: { processTable, workspaceId } }: Scene): Promise<readonly DoctorFinding[]> => {
  const found = (await processTable.findZombies?.(`${workspaceId}/`)) ?? []
  return found
    .filter(({ ppid }) => ppid !== FIRST_PROCESS)
    .map(({ pid, command, ppid }) => {
      const parent = `its parent ${ppid} (${processTable.describe?.(ppid)?.command ?? 'unknown'})`
      return {
        kind: 'process',
        what: `process ${pid} (${command})`,
        why: `it has ended, and ${parent} does not wait for it`,
        action: 'left',
      }
    })
}

const treat = async (scene: Scene, found: ProcessInfo, own: ReadonlySet<number>): Promise<DoctorFinding | null> => {
  const finding = { kind: 'process', what: `process ${found.pid} (${found.command})` } as const
  if (own.has(found.pid)) return { ...finding, why: 'doctor itself runs inside it', action: 'left' }
  const { end: wanted, why } = await mayEnd(scene, found)
  if (!wanted) return { ...finding, why, action: 'left' }
  if (!scene.fix) return { ...finding, why, action: 'would-remove' }
  if (isCheckOut(found.mark) && (await endsWithin(scene.env.processTable, found, CHECK_OUT_PATIENCE_MS, systemClock))) return null
  return (await endProcess(scene.env.processTable, found, systemClock)) !== null
    ? { ...finding, why, action: 'removed' }
    : { ...finding, why: `${why}, but SIGKILL does not end it${whereOf(scene.env.processTable, found)}`, action: 'left' }
}

/** Processes that carry the marker of this workspace and belong to no run that goes on. */
export const sweepProcesses = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const { processTable, workspaceId } = scene.env
  const findings = new Map<string, DoctorFinding | null>()
  const own = ownLine()
  for (let pass = 0; pass < PASSES; pass += 1) {
    const marked = await processTable.findByMark(`${workspaceId}/`)
    const fresh = marked.filter(({ pid, startTime }) => !findings.has(`${pid}/${startTime}`))
    if (fresh.length === 0) break
    const treated = await Promise.all(
      fresh.map(async (found) => [`${found.pid}/${found.startTime}`, await treat(scene, found, own)] as const),
    )
    for (const [key, finding] of treated) findings.set(key, finding)
  }
  return [...[...findings.values()].filter((finding) => finding !== null), ...(await zombies(scene))]
}
