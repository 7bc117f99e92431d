import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEnvironment } from '../../src/runtime/environment.ts'
import { diagnose } from '../../src/runtime/doctor/doctor.ts'
import type { DoctorReport } from '../../src/protocols/doctor.ts'
import type { LaneRecord, PtyRecord, RunRecord } from '../../src/protocols/records.ts'
import type { RunSummary } from '../../src/protocols/summary.ts'
import { CRASH_PLAN } from '../helpers/crash-plan.ts'
import { type CrashPoint, type Effect, nameOf } from '../helpers/crash-point.ts'
import {
  copyWorld,
  type Ground,
  lost,
  makeWorld,
  markedProcesses,
  runChild,
  survey,
  unaccounted,
  type World,
  workspaceIdOf,
} from '../helpers/crash-world.ts'

/** Points of one effect: each of these occurrences, before and after. */
const NTH: Readonly<Record<Effect, readonly (number | string)[]>> = {
  'worktree-added': [1, 3],
  'terminal-spawned': [1, 4, 6],
  'command-exited': [1, 4],
  'worktree-removed': [1, 3],
  'record-written': [1, 'lane.created', 'pty.spawned', 'pty.exited', 'supervisor.decided', 'lane.ended', 'run.ended'],
}

const pointsOf = (effect: Effect): readonly CrashPoint[] =>
  NTH[effect].flatMap((which) =>
    (['before', 'after'] as const).map((side) =>
      typeof which === 'number' ? { effect, side, nth: which } : { effect, side, nth: 1, event: which },
    ),
  )

/** Points at once: each takes about two seconds, most of it waiting. */
const AT_ONCE = 3

type Row = { readonly point: string; readonly hit: boolean; readonly ended: number; readonly removed: number; readonly left: number }
const rows: Row[] = []

const openRecords = async (world: World): Promise<readonly string[]> => {
  const store = await (await openEnvironment({ workspace: world.root, stateHome: world.stateHome })).openStore()
  try {
    const of = async <R>(kind: string): Promise<readonly R[]> => (await store.records(kind)).map(({ value }) => value as R)
    const runs = (await of<RunRecord>('run')).filter(({ endedAt, outcome }) => endedAt === null || outcome === null)
    const lanes = (await of<LaneRecord>('lane')).filter(({ endedAt, snapshot }) => endedAt === null || snapshot.state !== 'closed')
    const ptys = (await of<PtyRecord>('pty')).filter(({ endedAt }) => endedAt === null)
    return [...runs, ...lanes, ...ptys].map(({ id }) => `record ${id} is still open`)
  } finally {
    await store.close()
  }
}

const outcomeOf = async (world: World): Promise<string | null> => {
  const store = await (await openEnvironment({ workspace: world.root, stateHome: world.stateHome })).openStore()
  try {
    return ((await store.records('run'))[0]?.value as RunRecord | undefined)?.outcome ?? null
  } finally {
    await store.close()
  }
}

const leftIn = (report: DoctorReport): ReadonlySet<string> =>
  new Set(report.found.filter(({ action, why }) => action === 'left' && why !== '').map(({ what }) => what))

const failedChecks = (report: DoctorReport): readonly string[] =>
  report.checks.filter(({ ok }) => ok === false).map(({ name, detail }) => `check ${name}: ${detail}`)

/** Runs the same plan where doctor has been. */
const runAgain = async (world: World, id: string, before: Ground): Promise<readonly string[]> => {
  const { finished, stderr } = await runChild({ workspace: world.root, stateHome: world.stateHome, plan: CRASH_PLAN, point: null })
  return [
    ...((finished as RunSummary | null)?.ok === true ? [] : [`a new run failed: ${JSON.stringify(finished)} ${stderr}`]),
    ...(await lost(world, before)),
    ...(await markedProcesses(id)).map((pid) => `process ${pid} outlived the new run`),
  ]
}

/** Kills a run at the point, heals with doctor, and looks at what is left. @returns what is wrong */
const tryPoint = async (template: World, point: CrashPoint, andRun: boolean): Promise<readonly string[]> => {
  const world = await copyWorld(template)
  try {
    const task = { workspace: world.root, stateHome: world.stateHome, plan: CRASH_PLAN, point }
    const { hit, signal, stderr } = await runChild(task)
    const id = await workspaceIdOf(world)
    const before = await survey(world)
    const marked = await markedProcesses(id)
    const report = await diagnose({ cwd: world.root, fix: true, stateHome: world.stateHome })
    const count = (action: string): number => report.found.filter((found) => found.action === action && found.kind !== 'process').length
    rows.push({ point: nameOf(point), hit: hit !== null, ended: marked.length, removed: count('removed'), left: count('left') })
    const outcome = await outcomeOf(world)
    const expected = point.event === 'run.ended' && point.side === 'after' ? 'succeeded' : 'interrupted'
    const problems = [
      ...(hit === nameOf(point) && signal === 'SIGKILL' ? [] : [`not hit: ${signal} ${stderr}`]),
      ...(await markedProcesses(id)).map((pid) => `process ${pid} is still there`),
      ...(await unaccounted(world, leftIn(report))),
      ...(await lost(world, before)),
      ...(await openRecords(world)),
      ...failedChecks(report),
      ...(outcome === expected || (outcome === null && point.effect === 'record-written') ? [] : [`the run is recorded as ${outcome}`]),
    ]
    const again = await diagnose({ cwd: world.root, fix: true, stateHome: world.stateHome })
    for (const { what, action } of again.found) if (action !== 'left') problems.push(`a second doctor had to treat ${what} (${action})`)
    if (andRun) problems.push(...(await runAgain(world, id, before)))
    return problems
  } finally {
    await world.cleanup()
  }
}

const tryAll = async (template: World, points: readonly CrashPoint[]): Promise<Readonly<Record<string, readonly string[]>>> => {
  const waiting = [...points]
  const results: Record<string, readonly string[]> = {}
  const worker = async (): Promise<void> => {
    for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
      // A run of the whole plan costs a second: after the last point of each effect it stands for the others.
      results[nameOf(point)] = await tryPoint(template, point, waiting.length === 0).catch((error: unknown) => [String(error)])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return Object.fromEntries(points.map((point) => [nameOf(point), results[nameOf(point)] ?? ['not tried']]))
}

describe('doctor --fix after kill -9', () => {
  let template: World
  beforeAll(async () => {
    template = await makeWorld()
  })
  afterAll(async () => {
    await template.cleanup()
    const line = ({ point, hit, ended, removed, left }: Row): string =>
      `${hit ? 'hit ' : 'MISS'}  ${point.padEnd(52)} processes ${ended}  removed ${removed}  left ${left}`
    console.log([`${rows.filter(({ hit }) => hit).length} of ${rows.length} crash points hit`, ...rows.map(line)].join('\n'))
  })

  for (const effect of Object.keys(NTH) as Effect[]) {
    it(
      `leaves no process, loses no work and accounts for everything: ${effect} [PTY-15] [LN-7] [LN-11]`,
      { timeout: 120_000 },
      async () => {
        const points = pointsOf(effect)
        const clean = Object.fromEntries(points.map((point) => [nameOf(point), []]))
        expect(await tryAll(template, points)).toEqual(clean)
      },
    )
  }
})
