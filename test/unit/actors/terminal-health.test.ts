import { beforeEach, describe, expect, it } from 'vitest'
import { type HealthNews, TerminalHealth } from '../../../src/actors/terminal-health.ts'
import { SeededScheduler } from '../../../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type { Clock } from '../../../src/ports/clock.port.ts'
import type { ProcessSample, TreeRoot, Waiting } from '../../../src/ports/process-table.port.ts'
import type { Pty } from '../../../src/ports/terminal-host.port.ts'
import { processSample } from '../../helpers/process-sample.ts'

/** A PTY and its one process, as the process table would tell of them. */
type World = {
  cols: number
  outputBytes: number
  inputBytes: number
  inputQueuedBytes: number
  cpuMs: number
  waiting: Waiting
  isThere: boolean
}

describe('health of terminals', () => {
  let time: SeededScheduler
  let wallJump: number
  let clock: Clock
  /** When looks were made, and at how many. */
  let looks: { at: number; roots: number }[]
  let asked: number
  let fails: boolean
  let costMs: number
  let hears: boolean
  let published: { topic: string; payload: Readonly<Record<string, unknown>>; key: string | undefined }[]
  let worlds: Map<number, World>
  let health: TerminalHealth
  let ends: Map<number, () => void>

  const sample = ({ leader }: TreeRoot, { cpuMs }: World): ProcessSample =>
    processSample(leader.pid, { ...leader, cpuMs, rssBytes: 3_000_000, sharedBytes: 1_000_000 })
  const ptyOf = (pid: number): Pty => {
    const world: World = { cols: 80, outputBytes: 0, inputBytes: 0, inputQueuedBytes: 0, cpuMs: 0, waiting: 'busy', isThere: true }
    worlds.set(pid, world)
    const { promise, resolve } = Promise.withResolvers<void>()
    ends.set(pid, resolve)
    return {
      ptyId: `pt_${pid}`,
      identity: { pid, startTime: '1', bootId: 'b' },
      exited: promise,
      stats: () => ({ ...world, lastOutputAt: null, rows: 24 }),
    } as unknown as Pty
  }
  const worldOf = (pid: number): World => worlds.get(pid) as World
  const follow = (
    pty: Pty,
    heard: (news: HealthNews) => void = () => undefined,
    more: { idleAfterMs?: number; isThrottled?: boolean; size?: { cols: number; rows: number } | undefined } = {},
  ): void =>
    health.follow(pty, {
      ids: { ptyId: pty.ptyId },
      who: { lane: 'a', command: 'b', attempt: 1 },
      mark: `m${pty.ptyId}`,
      idleAfterMs: 600_000,
      isThrottled: false,
      size: { cols: 80, rows: 24 },
      heard,
      ...more,
    })

  beforeEach(() => {
    time = new SeededScheduler(1)
    wallJump = 0
    clock = { ...time.clock, now: () => 1_700_000_000_000 + time.clock.monotonic() + wallJump }
    looks = []
    asked = 0
    fails = false
    costMs = 0
    hears = false
    published = []
    worlds = new Map()
    ends = new Map()
    let spentMs = 0
    clock = { ...clock, monotonic: () => time.clock.monotonic() + spentMs }
    health = new TerminalHealth({
      clock,
      bus: { hears: () => hears, publish: (topic, payload, options) => void published.push({ topic, payload, key: options?.key }) },
      processTable: {
        trees: () => ({
          look: (roots) => {
            looks.push({ at: time.clock.monotonic(), roots: roots.length })
            spentMs += costMs
            if (fails) return Promise.reject(new Error('EMFILE'))
            return Promise.resolve(roots.map((root) => (worldOf(root.leader.pid).isThere ? [sample(root, worldOf(root.leader.pid))] : [])))
          },
        }),
        waiting: ({ pid }) => {
          asked += 1
          return worldOf(pid).waiting
        },
      },
    })
  })

  it('looks at all at once, each 5 s; not at all without terminals [PTY-18]', async () => {
    await time.advance(60_000)
    expect(looks).toEqual([])
    follow(ptyOf(1))
    follow(ptyOf(2))
    await time.advance(20_000)
    expect(looks).toEqual([65_000, 70_000, 75_000, 80_000].map((at) => ({ at, roots: 2 })))
    expect(asked, "what they wait for is nobody's question").toBe(0)
    ends.get(1)?.()
    ends.get(2)?.()
    await time.advance(60_000)
    expect(looks).toHaveLength(4)
  })

  it('looks each 2 s while somebody listens, and for 10 s after a question [PTY-18]', async () => {
    follow(ptyOf(1))
    hears = true
    await time.advance(11_000)
    expect(looks.map(({ at }) => at)).toEqual([5_000, 7_000, 9_000, 11_000])
    hears = false
    await time.advance(2_500)
    looks = []
    const question = health.look()
    await time.settle()
    await question
    await time.advance(20_000)
    expect(looks.map(({ at }) => at)).toEqual([13_500, 15_500, 17_500, 19_500, 21_500, 23_500, 28_500, 33_500])
  })

  it('answers questions that come together with one look, and one that comes at once with the look before [PTY-18]', async () => {
    follow(ptyOf(1))
    await Promise.all([health.look(), health.look(), health.look()])
    expect(looks).toHaveLength(1)
    await health.look()
    expect(looks).toHaveLength(1)
    follow(ptyOf(2))
    await health.look()
    expect(health.of('pt_2')).toMatchObject({ alive: true })
  })

  it('takes at most a thousandth of the time where looks are slow [PTY-18]', async () => {
    follow(ptyOf(1))
    costMs = 20
    await time.advance(65_000)
    expect(looks.map(({ at }) => at)).toEqual([5_000, 25_000, 45_000, 65_000])
  })

  it('tells how each is [PTY-18]', async () => {
    follow(ptyOf(1))
    expect(health.of('pt_1')).toBeNull()
    await health.look()
    await time.advance(2_000)
    worldOf(1).cpuMs = 1_000
    worldOf(1).waiting = 'input'
    await time.advance(2_000)
    expect(health.of('pt_1')).toEqual({
      at: 1_700_000_004_000,
      alive: true,
      responsive: true,
      heartbeatAt: 1_700_000_004_000,
      condition: 'waiting-for-input',
      since: 1_700_000_004_000,
      evidence: 'make (1) is blocked in a read of its terminal',
      processes: 1,
      memoryBytes: 3_000_000,
      cpuPercent: 50,
      quietMs: { output: 4_000, input: 4_000, cpu: 0 },
      idleMs: 0,
    })
    worldOf(1).inputQueuedBytes = 9
    await time.advance(11_000)
    expect(health.of('pt_1')).toMatchObject({ responsive: false, evidence: expect.stringContaining('does not read') })
    worldOf(1).isThere = false
    await time.advance(5_000)
    expect(health.of('pt_1')).toMatchObject({ alive: false, responsive: false, processes: 0, heartbeatAt: 1_700_000_015_000 })
  })

  it('tells its actor once when a terminal has become idle, and once when it goes on [PTY-10]', async () => {
    const news: string[] = []
    follow(ptyOf(1), (one) =>
      news.push(`${time.clock.monotonic()} ${one.verdict === 'idle' ? one.health.condition : one.verdict === 'activity' ? one.by : ''}`),
    )
    worldOf(1).waiting = 'input'
    await time.advance(1_000_000)
    expect(news).toEqual(['605000 waiting-for-input'])
    worldOf(1).outputBytes = 1
    await time.advance(1_000_000)
    expect(news).toEqual(['605000 waiting-for-input', '1005000 output', '1605000 waiting-for-input'])
  })

  it('tells its actor of another size, once, with the next look, and of one that is not on record [PTY-21]', async () => {
    const news: HealthNews[] = []
    follow(ptyOf(1), (one) => news.push(one))
    await time.advance(10_000)
    expect(news).toEqual([])
    worldOf(1).cols = 100
    worldOf(1).cols = 132
    await time.advance(60_000)
    expect(news).toEqual([{ verdict: 'resized', size: { cols: 132, rows: 24 } }])
    follow(ptyOf(2), (one) => news.push(one), { size: undefined })
    await time.advance(60_000)
    expect(news.slice(1)).toEqual([{ verdict: 'resized', size: { cols: 80, rows: 24 } }])
  })

  it('is not misled by a wall clock that jumps [PTY-10]', async () => {
    const news: HealthNews[] = []
    follow(ptyOf(1), (one) => news.push(one))
    await time.advance(10_000)
    wallJump = 10 * 86_400_000
    await time.advance(10_000)
    expect(news).toEqual([])
    expect(health.of('pt_1')?.since).toBe(1_700_000_005_000 + wallJump)
    wallJump = -86_400_000
    await time.advance(600_000)
    expect(news).toMatchObject([{ verdict: 'idle', health: { idleMs: 600_000 } }])
  })

  it('concludes nothing from a look that failed [PTY-10]', async () => {
    const news: HealthNews[] = []
    follow(ptyOf(1), (one) => news.push(one))
    await time.advance(5_000)
    fails = true
    await time.advance(1_000_000)
    expect(news).toEqual([])
    worldOf(1).cpuMs = 9_000
    fails = false
    await time.advance(10_000)
    expect(news).toEqual([])
    expect(health.of('pt_1')).toMatchObject({ alive: true })
  })

  it('looks at the others where one cannot be looked at, and says so of that one [PTY-18]', async () => {
    const news: HealthNews[] = []
    follow(ptyOf(1))
    follow(ptyOf(2), (one) => news.push(one))
    hears = true
    await time.advance(5_000)
    Object.defineProperty(worldOf(1), 'waiting', {
      get: () => {
        throw new Error('it is broken')
      },
    })
    await time.advance(700_000)
    expect(health.of('pt_1')).toMatchObject({ condition: 'unknown', evidence: 'looking at it failed: it is broken', responsive: null })
    expect(news).toMatchObject([{ verdict: 'idle' }])
  })

  it('tells the next incarnation of an actor, as its record has it [PTY-10]', async () => {
    const [first, second, third]: [HealthNews[], HealthNews[], HealthNews[]] = [[], [], []]
    const pty = ptyOf(1)
    follow(pty, (one) => first.push(one))
    await time.advance(605_000)
    expect(first).toHaveLength(1)
    // it crashed before it could record that
    follow(pty, (one) => second.push(one))
    await time.advance(5_000)
    expect(second).toMatchObject([{ verdict: 'idle' }])
    follow(pty, (one) => third.push(one), { isThrottled: true })
    await time.advance(600_000)
    expect([first.length, second.length, third.length]).toEqual([1, 1, 0])
  })

  it('tells who listens to pty.health of changes only [PTY-13]', async () => {
    follow(ptyOf(1))
    await time.advance(5_000)
    expect(published).toEqual([])
    hears = true
    await time.advance(60_000)
    expect(published).toHaveLength(1)
    expect(published[0]).toMatchObject({
      topic: 'pty.health',
      key: 'pt_1',
      payload: { lane: 'a', command: 'b', attempt: 1, condition: 'idle' },
    })
    worldOf(1).waiting = 'output'
    await time.advance(60_000)
    expect(published.slice(1)).toMatchObject([{ payload: { condition: 'blocked-on-output' } }])
  })
})
