import { afterEach, describe, expect, it } from 'vitest'
import { OutputNews } from '../../../src/actors/output-news.ts'
import type { EventHub } from '../../../src/actors/event-hub.ts'
import { SeededScheduler } from '../../../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { BusEvent, SubscribeRequest } from '../../../src/protocols/bus.ts'
import type { RunSummary } from '../../../src/protocols/summary.ts'
import { openKit, sh, untilOutput } from '../terminal/terminal-kit.ts'
import { createSaboteur } from './crash-kit.ts'
import { makeWorld, until, within, type World, type WorldOptions } from './run-kit.ts'

const worlds: World[] = []
const makeOne = async (options: WorldOptions = {}): Promise<World> => {
  const made = await makeWorld(options)
  worlds.push(made)
  return made
}
afterEach(async () => {
  for (const each of worlds.splice(0)) await each.end()
})

const listen = ({ runtime }: World, request: SubscribeRequest = { topics: ['pty.*'] }): BusEvent[] => {
  const events: BusEvent[] = []
  runtime.bus.subscribe(request, { next: (event) => void events.push(event), gap: () => undefined })
  return events
}
const liveOf = ({ runtime }: World): number => (runtime.bus as EventHub).figures().live
const runOf = ({ runtime }: World, ...commands: readonly object[]): Promise<RunSummary> =>
  within(60_000, 'the run', runtime.run({ lanes: { a: { commands } } }))
const offsetsOf = (events: readonly BusEvent[]): number[] =>
  events.filter(({ topic }) => topic === 'pty.output').map(({ payload }) => payload['offset'] as number)

/** Of each attempt: its output is told between its start and its end, and the last of it is all of it. */
const expectWhole = (events: readonly BusEvent[]): void => {
  const ended = events.filter(({ topic }) => topic === 'pty.exited')
  for (const exited of ended) {
    const own = events.filter(({ ids }) => ids?.ptyId === exited.ids?.ptyId)
    const output = own.filter(({ topic }) => topic === 'pty.output')
    const offsets = offsetsOf(own)
    expect(offsets).toEqual([...new Set(offsets)].toSorted((a, b) => a - b))
    expect(offsets.at(-1) ?? 0).toBe(exited.payload['outputBytes'])
    const spawned = own.findIndex(({ topic }) => topic === 'pty.spawned')
    for (const event of output) {
      expect(own.indexOf(event)).toBeGreaterThan(spawned)
      expect(own.indexOf(event)).toBeLessThan(own.indexOf(exited))
      expect(event.ids).toEqual(exited.ids)
      expect(event).not.toHaveProperty('position')
      const { lane, command, attempt } = exited.payload
      expect(event.payload).toEqual({ lane, command, attempt, offset: event.payload['offset'] })
    }
  }
}

/** Time that a test owns, and how many timers are set. */
const countedTime = () => {
  const scheduler = new SeededScheduler(1)
  let pending = 0
  const { clock } = scheduler
  return {
    pending: () => pending,
    advance: (ms: number) => scheduler.advance(ms),
    clock: {
      ...clock,
      setTimer: (delayMs: number, fire: () => void) => {
        pending += 1
        const timer = clock.setTimer(delayMs, () => {
          pending -= 1
          fire()
        })
        return { cancel: () => ((pending -= 1), timer.cancel()) }
      },
    },
  }
}

describe('how far output is, on the bus', () => {
  it('is told of a run seldom, in order with its other events, and the last of each attempt exactly [PTY-13]', async () => {
    const world = await makeOne()
    const events = listen(world)
    const began = performance.now()
    const flood = 'for part in 1 2 3; do head -c 5000000 /dev/zero; sleep 0.3; done; printf end'
    const again = { restart: 'transient', intensity: { restarts: 2, withinMs: 60_000 }, backoff: { minMs: 1, maxMs: 1 } }
    await runOf(world, { name: 'flood', run: flood }, { name: 'quiet', run: 'true' }, { name: 'again', run: 'echo one; exit 1', ...again })
    const took = performance.now() - began
    expectWhole(events)
    const of = (command: string): BusEvent[] => events.filter(({ payload }) => payload['command'] === command)
    expect(offsetsOf(of('flood')).at(-1)).toBe(15_000_003)
    expect(offsetsOf(of('flood')).length).toBeGreaterThanOrEqual(3)
    expect(offsetsOf(of('flood')).length).toBeLessThanOrEqual(took / 250 + 2)
    expect(offsetsOf(of('quiet'))).toEqual([])
    expect(offsetsOf(of('again'))).toEqual([5, 5, 5])
    const sequences = events.filter(({ topic }) => topic === 'pty.output').map(({ sequence }) => sequence)
    expect(sequences).toEqual(sequences.map((_, n) => n + 1))
    expect((await world.records()).events.filter(({ type }) => type === 'pty.output')).toEqual([])
  })

  it('is told of a terminal of a lane of its own at once, and then no more while it is quiet [PTY-13]', async () => {
    const world = await makeOne()
    const { runtime } = world
    const events = listen(world)
    const lane = await runtime.lanes.create({ name: 'own' })
    const shell = await runtime.terminals.spawn({ laneId: lane.id, command: 'stty raw -echo; printf ready; exec cat' }, 'a test')
    const pty = await runtime.terminals.pty(shell.id)
    await untilOutput(pty, 'ready')
    for (const offset of [8, 11, 16]) {
      await pty.write(new Uint8Array(offset - pty.stats().outputBytes).fill(120))
      await until('it is told', () => offsetsOf(events).at(-1) === offset)
    }
    expect(offsetsOf(events)).toEqual([5, 8, 11, 16])
    expect(await runtime.terminals.get(shell.id)).toMatchObject({ outputBytes: 16 })
    await runtime.terminals.kill(shell.id, 'a test', 0)
    expectWhole(events)
    expect(events.at(-1)).toMatchObject({ topic: 'pty.state-changed', payload: { to: 'stopped' } })
    const told = liveOf(world)
    await runtime.lanes.remove(lane.id, 'a test')
    expect(liveOf(world)).toBe(told)
  })

  it('is not published while nobody listens to it: to other topics, to what is recorded, or not any more [PTY-13]', async () => {
    const world = await makeOne()
    listen(world, { topics: ['*'], live: false })
    listen(world, { topics: ['pty.exited', 'lane.*'] })
    world.runtime.bus.subscribe({ topics: ['*'] }, { next: () => undefined, gap: () => undefined }).close()
    expect(world.runtime.bus.hears('pty.output')).toBe(false)
    await runOf(world, { name: 'c', run: 'head -c 5000000 /dev/zero' })
    expect(liveOf(world)).toBe(0)
    listen(world, { topics: ['pty.output'] })
    expect(world.runtime.bus.hears('pty.output')).toBe(true)
  })

  it('goes on when the actor of a terminal crashes, and nothing is told twice [PTY-13, SUP-3]', async () => {
    const saboteur = createSaboteur()
    const world = await makeOne({ decorators: { tree: saboteur.tree } })
    const events = listen(world)
    const again = { restart: 'transient', intensity: { restarts: 5, withinMs: 60_000 }, backoff: { minMs: 1, maxMs: 1 } }
    const running = runOf(world, { name: 'c', run: 'for n in $(seq 20); do printf 123; sleep 0.1; done', ...again })
    for (const incarnation of [1, 2, 3]) {
      await until('its actor runs', () => saboteur.started('pty').length === incarnation)
      const before = offsetsOf(events).length
      await until('it is told', () => offsetsOf(events).length > before)
      saboteur.crash('pty')
    }
    expect((await running).ok).toBe(true)
    expect(events.filter(({ topic }) => topic === 'pty.exited')).toHaveLength(1)
    expectWhole(events)
    expect(offsetsOf(events).at(-1)).toBe(60)
  })

  it('tells on topics of their own that output is not taken as fast as it comes [PTY-11, PTY-13]', async () => {
    await using kit = openKit()
    const told: { topic: string; payload: Readonly<Record<string, unknown>>; ptyId: unknown }[] = []
    const publish = (
      topic: string,
      payload: Readonly<Record<string, unknown>>,
      options?: { readonly ids?: { readonly ptyId?: string } },
    ): void => void told.push({ topic, payload, ptyId: options?.ids?.ptyId })
    const news = new OutputNews(systemClock, { hears: (topic) => topic !== 'pty.output', publish })
    const pty = await kit.host.spawn(sh('stty raw -echo; printf 1; read a; exec head -c 500000 /dev/zero', { ringBytes: 65_536 }))
    await untilOutput(pty, '1')
    news.follow(pty, { ptyId: pty.ptyId, laneId: 'ln_1' }, { lane: 'a', command: 'b', attempt: 1 })
    await pty.write(Buffer.from('\n'))
    await pty.exited
    expect(told.map(({ topic }) => topic)).toContain('pty.backpressure')
    const over = told.filter(({ topic }) => topic === 'pty.overflow').at(-1)
    expect(over).toMatchObject({ ptyId: pty.ptyId, payload: { lane: 'a', command: 'b', attempt: 1, fill: expect.any(Number) } })
    expect(over?.payload['totalBytes']).toBeGreaterThan(400_000)
    expect(over?.payload).not.toHaveProperty('kind')
  })

  it('sets a timer only while something is owed [PTY-13, PTY-16]', async () => {
    await using kit = openKit()
    const { clock, ...time } = countedTime()
    const told: unknown[] = []
    const news = new OutputNews(clock, { hears: () => true, publish: (_topic, { offset }) => void told.push(offset) })
    const pty = await kit.host.spawn(sh('stty raw -echo; printf 1; read a; printf 2; read a; printf 34; exec sleep 3600'))
    await untilOutput(pty, '1')
    news.follow(pty, { ptyId: pty.ptyId }, { lane: 'a', command: 'b', attempt: 1 })
    expect([told, time.pending()]).toEqual([[1], 0])
    await pty.write(Buffer.from('\n'))
    await untilOutput(pty, '2')
    await pty.write(Buffer.from('\n'))
    await untilOutput(pty, '34')
    expect([told, time.pending()]).toEqual([[1], 1])
    await time.advance(249)
    expect([told, time.pending()]).toEqual([[1], 1])
    await time.advance(1)
    expect([told, time.pending()]).toEqual([[1, 4], 0])
    await time.advance(10_000)
    expect([told, time.pending()]).toEqual([[1, 4], 0])
    news.end(pty)
    expect([told, time.pending()]).toEqual([[1, 4], 0])
  })
})
