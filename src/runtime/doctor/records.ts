import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { event, recordOf } from '../../actors/journal.ts'
import { lostResult } from '../../actors/lost-terminals.ts'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import type { DoctorFinding } from '../../protocols/doctor.ts'
import type { EventIds, NewEvent } from '../../protocols/events.ts'
import { laneMachine } from '../../protocols/lane.machine.ts'
import type { CleaningReport } from '../../protocols/lane.protocol.ts'
import { LOST_WITH } from '../../protocols/lost-with.ts'
import { ptyMachine } from '../../protocols/pty.machine.ts'
import type { LaneRecord, PtyRecord, RunRecord, TerminalRecord } from '../../protocols/records.ts'
import type { LaneSummary, RunSummary } from '../../protocols/summary.ts'
import { recordsOf } from '../records.ts'
import { ownIdentity, readOwners } from '../owners.ts'
import { retentionMs } from '../retention.ts'
import { interruptedCommands, neverBegun } from './interrupted.ts'
import { goes, goesOn, left, type Scene } from './scene.ts'

const runOf = ({ runId }: Pick<LaneRecord, 'runId'>): EventIds => (runId === null ? {} : { runId })

/** The attempts of a lane that nobody saw end are lost: their processes are gone, their exits are not known. */
const closePtys = ({ env }: Scene, ptys: readonly PtyRecord[], at: number): { events: NewEvent[]; records: PtyRecord[] } => {
  const { bootId } = ownIdentity(env.processTable)
  const events: NewEvent[] = []
  const records: PtyRecord[] = []
  for (const pty of ptys) {
    const by = pty.snapshot.state === 'spawning' ? ({ type: 'spawn-failed' } as const) : ({ type: 'lost' } as const)
    if (pty.endedAt !== null || !ptyMachine.can(pty.snapshot, by)) continue
    const { next } = ptyMachine.advance(pty.snapshot, by, { ptyId: pty.id, laneId: pty.laneId })
    const cause = pty.process !== null && pty.process.bootId !== bootId ? LOST_WITH.machine : LOST_WITH.run
    records.push({ ...pty, snapshot: next, endedAt: at, exit: lostResult(pty, cause, at) })
    const { lane, command, attempt } = pty
    const ids = { ...runOf(pty), laneId: pty.laneId, terminalId: pty.terminalId, ptyId: pty.id }
    const step = { from: pty.snapshot.state, to: next.state, event: by.type, cause }
    events.push(event(at, 'pty.state-changed', ids, { lane, command, attempt, ...step }))
  }
  return { events, records }
}

const summaryOf = (lane: LaneRecord, report: CleaningReport, at: number, commands: LaneSummary['commands']): LaneSummary => ({
  name: lane.name,
  id: lane.id,
  outcome: 'interrupted',
  durationMs: Math.max(0, at - lane.createdAt),
  branch: report.branchDeleted ? null : lane.worktree.branch,
  commits: report.commits,
  uncommitted: report.uncommitted,
  worktree: report.kept ? lane.worktree.path : null,
  reason: ['the process of its run died', report.reason].filter((text) => text !== null).join('; '),
  commands,
})

/** Records that these attempts were lost. */
export const closeLost = async (scene: Scene, ptys: readonly PtyRecord[]): Promise<void> => {
  const { events, records } = closePtys(scene, ptys, systemClock.now())
  if (records.length > 0) await scene.store.commit({ events, records: records.map((pty) => recordOf('pty', pty)) })
}

/** Records how a lane was cleaned: of one that had ended already, only where its worktree and branch are now. */
export const closeLane = async (scene: Scene, lane: LaneRecord, run: RunRecord | undefined, report: CleaningReport): Promise<void> => {
  const { store } = scene
  const at = systemClock.now()
  // Another doctor may have been quicker.
  const present = ((await store.record('lane', lane.id))?.value ?? lane) as LaneRecord
  if (present.summary !== null) {
    const { branch, worktree, reason } = summaryOf(lane, report, at, [])
    const summary = { ...present.summary, branch, worktree, reason: report.kept ? reason : present.summary.reason }
    await store.commit({ events: [], records: [recordOf('lane', { ...present, summary })] })
    return
  }
  const ptys = (await recordsOf<PtyRecord>(store, 'pty')).filter(({ laneId }) => laneId === lane.id)
  const terminals = (await recordsOf<TerminalRecord>(store, 'terminal')).filter(({ laneId }) => laneId === lane.id)
  const summary = summaryOf(
    lane,
    report,
    at,
    interruptedCommands(
      run?.plan.lanes.find(({ name }) => name === lane.name),
      terminals,
      ptys,
    ),
  )
  const cleaning = laneMachine.advance(present.snapshot, { type: 'cleanup' }, { laneId: lane.id }).next
  const { next: snapshot } = laneMachine.advance(cleaning, { type: 'cleaned' }, { laneId: lane.id })
  const lost = closePtys(scene, ptys, at)
  const ids = { ...runOf(lane), laneId: lane.id }
  const changed = {
    name: lane.name,
    from: present.snapshot.state,
    to: snapshot.state,
    event: 'cleaned',
    cause: 'doctor cleaned up after a run that died',
  }
  await store.commit({
    events: [
      ...lost.events,
      event(at, 'lane.state-changed', ids, changed),
      event(at, 'lane.ended', ids, { name: lane.name, summary, by: 'doctor' }),
    ],
    records: [
      ...lost.records.map((pty) => recordOf('pty', pty)),
      recordOf('lane', { ...present, worktree: lane.worktree, snapshot, endedAt: at, summary }),
    ],
  })
}

/** Runs whose process died are closed as interrupted; they are never resumed silently. */
export const closeRuns = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const { store } = scene
  const dead = (await recordsOf<RunRecord>(store, 'run')).filter((run) => run.endedAt === null && !goesOn(scene, run))
  const lanes = dead.length === 0 ? [] : await recordsOf<LaneRecord>(store, 'lane')
  const found: DoctorFinding[] = []
  for (const run of dead) {
    const own = lanes.filter(({ runId }) => runId === run.id)
    const why = `its process ${run.owner.pid} died`
    if (scene.fix && own.some(({ endedAt }) => endedAt === null)) {
      found.push(left('record', `run ${run.id}`, `${why}, and a lane of it is still open; run doctor again`))
      continue
    }
    if (scene.fix) await closeRun(scene, run, own)
    found.push(goes(scene, 'record', `run ${run.id}`, scene.fix ? `${why}; it is recorded as interrupted now` : why))
  }
  return found
}

const closeRun = async ({ store }: Scene, run: RunRecord, lanes: readonly LaneRecord[]): Promise<void> => {
  const at = systemClock.now()
  const summary: RunSummary = {
    type: 'summary',
    runId: run.id,
    ok: false,
    outcome: 'interrupted',
    durationMs: Math.max(0, at - run.startedAt),
    lanes: run.lanes.map(({ name, id }) => lanes.find((lane) => lane.id === id)?.summary ?? neverBegun(run, name, id)),
  }
  const ended = event(at, 'run.ended', { runId: run.id }, { summary, by: 'doctor' })
  const record: RunRecord = { ...run, endedAt: at, outcome: 'interrupted', summary }
  await store.commit({ events: [ended], records: [recordOf('run', record)] })
}

/** Files that dead orchestrators left. */
export const sweepOwners = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const { paths, processTable } = scene.env
  const { stale } = await readOwners(paths.owners, processTable)
  if (scene.fix) for (const path of stale) await rm(path, { force: true })
  return stale.map((path) => goes(scene, 'record', path, 'its process died'))
}

/** Logs of runs that no record names go once they are old. */
export const sweepLogs = async (scene: Scene): Promise<readonly DoctorFinding[]> => {
  const { logs } = scene.env.paths
  const { days } = scene.settings.history
  const names = await readdir(logs).catch(() => [])
  const own = (await recordsOf<LaneRecord>(scene.store, 'lane')).filter(({ runId }) => runId === null)
  const known = new Set([...(await recordsOf<RunRecord>(scene.store, 'run')), ...own].map(({ id }) => id as string))
  const found: DoctorFinding[] = []
  for (const name of names.filter((candidate) => !known.has(candidate))) {
    const path = join(logs, name)
    const changed = await stat(path).catch(() => null)
    if (changed === null) continue
    if (systemClock.now() - changed.mtimeMs <= retentionMs(scene.settings)) {
      found.push(left('log', path, `no record names its run or lane; it goes when it is ${days} days old`))
      continue
    }
    if (scene.fix) await rm(path, { recursive: true, force: true })
    found.push(goes(scene, 'log', path, `no record names its run or lane, and it is older than ${days} days`))
  }
  return found
}
