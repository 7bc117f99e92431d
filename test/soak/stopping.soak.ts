import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { RunSummary } from '../../src/protocols/summary.ts'
import { seededRandom } from '../helpers/seeded-random.ts'
import { lasting, makeWorld, marked, within, type World } from '../integration/run/run-kit.ts'

const ROUNDS = 20
/** Longer than such a run takes by itself, so that some rounds stop one that is over. */
const LONGEST_MS = 3_500
const GRACE_MS = 400

const seed = Number(process.env['SIGNALBOX_SEED'] ?? Date.now() % 1_000_000)

/** As examples/start.yaml: work that commits, a flaky command, a crash loop, a stubborn daemon with a grandchild, a follower. */
const plan = {
  keep: 'never',
  parallel: 3,
  lanes: {
    changelog: { commands: ['git commit -q --allow-empty -m collected', 'sleep 0.2'] },
    flaky: {
      commands: [
        { name: 'server', run: lasting('server'), restart: 'permanent', graceMs: GRACE_MS },
        {
          name: 'test',
          restart: 'transient',
          intensity: { restarts: 3, withinMs: 60_000 },
          backoff: { minMs: 50, maxMs: 200 },
          run: 'f=$(git rev-parse --git-dir)/n; n=$(( $(cat "$f" 2>/dev/null || echo 0) + 1 )); echo $n > "$f"; [ $n -ge 3 ]',
        },
      ],
    },
    loop: {
      commands: [
        {
          name: 'crash',
          run: 'exit 3',
          restart: 'transient',
          intensity: { restarts: 2, withinMs: 60_000 },
          backoff: { minMs: 50, maxMs: 200 },
        },
      ],
    },
    stubborn: {
      commands: [
        {
          name: 'daemon',
          restart: 'permanent',
          graceMs: GRACE_MS,
          run: `trap '' TERM HUP; setsid sh -c 'trap "" TERM HUP; while :; do sleep 0.2; done' & while :; do sleep 0.2; done`,
        },
        { name: 'work', run: 'sleep 0.8' },
      ],
    },
    dirty: { commands: ['echo x > left.txt; sleep 0.3'] },
    report: { after: ['changelog'], commands: [{ run: ['git', 'rev-list', '--count', 'HEAD'] }] },
  },
}

/** Every worktree and branch is one that the summary names; every directory of lanes is one of these worktrees. */
const checkGround = async (world: World, summaries: readonly RunSummary[], what: string): Promise<void> => {
  const lanes = summaries.flatMap((summary) => summary.lanes)
  const { processes, worktrees, branches } = await world.ground()
  expect(processes, what).toEqual([])
  expect(marked(world.runtime.workspaceId), what).toEqual([])
  const kept = lanes.map(({ worktree }) => worktree).filter((path) => path !== null)
  expect([...worktrees].sort(), what).toEqual([world.repo.root, ...kept].sort())
  expect([...branches].sort(), what).toEqual(['main', ...lanes.map(({ branch }) => branch).filter((name) => name !== null)].sort())
  for (const { uncommitted, worktree, commits, branch } of lanes) {
    if (uncommitted.length > 0) expect(existsSync(`${worktree}/left.txt`), what).toBe(true)
    else expect(worktree, what).toBeNull()
    expect(branch !== null, what).toBe(commits > 0 || uncommitted.length > 0)
  }
  const directory = `${world.repo.root}.lanes`
  expect(existsSync(directory) ? readdirSync(directory).length : 0, what).toBe(kept.length)
}

describe('a run that is stopped or killed at a random moment', () => {
  it(`leaves clean ground, ${ROUNDS} of ${ROUNDS} [LN-6][LN-7]`, async () => {
    console.log(`stopping: seed ${seed} (SIGNALBOX_SEED=${seed} repeats it)`)
    const random = seededRandom(seed)
    const world = await makeWorld()
    const summaries: RunSummary[] = []
    const outcomes: Record<string, number> = {}
    try {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const how = (['stop', 'kill', 'stop, then kill'] as const)[Math.floor(random() * 3)] ?? 'stop'
        const afterMs = random() * LONGEST_MS
        const between = random() * GRACE_MS * 2
        const what = `round ${round}: ${how} after ${afterMs.toFixed(0)} ms (seed ${seed})`
        const handle = await world.runtime.start(plan)
        await sleep(afterMs)
        if (how === 'kill') handle.kill('the soak')
        else handle.stop('the soak')
        if (how === 'stop, then kill') {
          await sleep(between)
          handle.kill('the soak')
        }
        const summary = await within(60_000, what, handle.finished)
        outcomes[`${how}: ${summary.outcome}`] = (outcomes[`${how}: ${summary.outcome}`] ?? 0) + 1
        summaries.push(summary)
        await checkGround(world, summaries, what)
      }
      const { lanes, ptys, runs, events } = await world.records()
      expect(runs.filter(({ endedAt }) => endedAt === null)).toEqual([])
      expect(lanes.filter(({ snapshot }) => snapshot.state !== 'closed')).toEqual([])
      expect(ptys.filter(({ endedAt, exit }) => endedAt === null || exit === null)).toEqual([])
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
      console.log(`stopping: ${ROUNDS} of ${ROUNDS} rounds left clean ground; ${JSON.stringify(outcomes)}`)
    } finally {
      await world.end()
    }
  }, 600_000)
})
