import { makeGit } from '../../adapters/git/git-command.ts'
import type { Settings } from '../../protocols/config.schema.ts'
import type { LaneRecord, PtyRecord, RunRecord } from '../../protocols/records.ts'
import { systemClock } from '../../adapters/system/system-clock.adapter.ts'
import { LeftBehind } from '../../terminal-host/left-behind.ts'
import { closeLost, closeRuns, sweepOwners } from '../doctor/records.ts'
import { goesOn, runsHeld, type Scene } from '../doctor/scene.ts'
import type { Environment } from '../environment.ts'
import type { Held } from '../host/held.ts'
import { recordsOf } from '../records.ts'
import { readOwners } from '../owners.ts'
import type { Recovered } from './orchestrator-record.ts'

/** What a terminal host left running that was killed with its orchestrator is ended, as it is where that one lives on. */
const endLeft = async ({ processTable, cgroups }: Environment, lost: readonly PtyRecord[], said: (text: string) => void): Promise<void> => {
  const left = new LeftBehind(
    lost.map(({ mark }) => mark),
    { clock: systemClock, processTable, cgroups },
  )
  const end = async ({ mark, lane, command }: PtyRecord): Promise<void> => {
    for (const { pid, command: name, endedBy } of await left.end(mark))
      said(
        `process ${pid} (${name}) of ${lane}/${command}, which was lost: ${endedBy === 'survived' ? 'SIGKILL does not end it' : `ended by ${endedBy}`}`,
      )
  }
  await Promise.all(
    lost.map((pty) => end(pty).catch((error: unknown) => said(`what is left of ${pty.lane}/${pty.command}: ${String(error)}`))),
  )
}

/**
 * Brings the records of processes that died up to date: their runs are interrupted, their terminals are lost, but for those
 * that the terminal host holds, which are taken over. Of what was lost with a terminal host, the processes are ended that
 * outlived it. Else only records change: worktrees, branches and processes are the doctor's, which says first what it would
 * remove.
 * @param endsLeft the terminals were another process's, which is gone too
 */
export const recover = async (
  env: Environment,
  settings: Settings,
  held: Held,
  { endsLeft, said }: { readonly endsLeft: boolean; readonly said: (text: string) => void },
): Promise<Omit<Recovered, 'keptLanes' | 'adoptedTerminals' | 'adoptedRuns'>> => {
  const store = await env.openStore()
  try {
    const { root } = env.worktrees.workspace
    const scene: Scene = {
      env,
      store,
      git: makeGit(process.env),
      cwd: root,
      branchPrefix: settings.lanes.branchPrefix,
      settings,
      fix: true,
      held,
      heldRuns: await runsHeld(store, held),
    }
    const dead = new Set(
      (await recordsOf<RunRecord>(store, 'run')).filter((run) => run.endedAt === null && !goesOn(scene, run)).map(({ id }) => id),
    )
    const ofDead = ({ runId }: LaneRecord | PtyRecord): boolean => runId !== null && dead.has(runId)
    const others = (await readOwners(env.paths.owners, env.processTable)).living
    // A lane of its own may be another process's, one that embeds signalbox.
    const ofKept = ({ runId }: PtyRecord): boolean => runId === null && others.length === 0
    const lanes = (await recordsOf<LaneRecord>(store, 'lane')).filter((lane) => lane.endedAt === null && ofDead(lane))
    const ptys = (await recordsOf<PtyRecord>(store, 'pty')).filter(
      (pty) => pty.endedAt === null && !held.has(pty.id) && (ofDead(pty) || ofKept(pty)),
    )
    // First: were this killed meanwhile, the next one would know by their records what is left to be done.
    if (endsLeft) await endLeft(env, ptys, said)
    // At once, as nobody holds them: their lanes may stay open until doctor cleans up.
    await closeLost(scene, ptys.filter(ofDead))
    await closeRuns(scene)
    await sweepOwners(scene) // what they said of themselves is not needed any more
    return { interruptedRuns: dead.size, openLanes: lanes.length, lostTerminals: ptys.length }
  } finally {
    await store.close()
  }
}
