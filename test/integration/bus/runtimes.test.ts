import { afterEach, describe, expect, it } from 'vitest'
import type { ChildSpec, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import type { BusEvent, BusGap, SubscribeRequest } from '../../../src/protocols/bus.ts'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import { type Runtime, startRuntime } from '../../../src/runtime/runtime.ts'
import { redisServer, whyNoRedis } from '../../helpers/redis-server.ts'
import { eventsOf, makeWorld, until, type World } from '../run/run-kit.ts'

const PLAN = { lanes: { one: { commands: ['echo 1', 'echo 2'] }, two: { commands: ['echo 3'] } } }

type Follower = { readonly events: BusEvent[]; readonly gaps: BusGap[]; readonly ready: Promise<void> }

/** @param request whatever is recorded, where it does not say otherwise */
const follow = (runtime: Runtime, request: Partial<SubscribeRequest> = {}): Follower => {
  const events: BusEvent[] = []
  const gaps: BusGap[] = []
  const { ready } = runtime.bus.subscribe(
    { topics: ['*'], live: false, ...request },
    { next: (event) => void events.push(event), gap: (gap) => void gaps.push(gap) },
  )
  return { events, gaps, ready }
}

const idsOf = (events: readonly BusEvent[]): string[] => events.map(({ id, position }) => `${position} ${id}`)
const storedIds = (events: readonly RecordedEvent[]): string[] =>
  events.map(({ sequence, type, topicSequence }) => `${sequence} ${type}#${topicSequence}`)

/** The tree with a bus that crashes at some of the batches it is given. */
const withCrashes = (spec: SupervisorSpec, at: ReadonlySet<number>): SupervisorSpec => {
  let batches = 0
  const around = (child: ChildSpec): ChildSpec => {
    if (child.type === 'supervisor') return { ...child, children: (child.children ?? []).map(around) }
    if (child.name !== 'bus') return child
    const { definition } = child
    const publish = (...args: unknown[]): unknown => {
      batches += 1
      if (at.has(batches)) throw new Error('planted')
      return (definition.on['bus.publish'] as (...all: unknown[]) => unknown)(...args)
    }
    return { ...child, definition: { ...definition, on: { ...definition.on, 'bus.publish': publish } } }
  }
  return around(spec) as SupervisorSpec
}

describe('the bus of a runtime', () => {
  const worlds: World[] = []
  const others: Runtime[] = []
  afterEach(async () => {
    await Promise.all(others.splice(0).map((runtime) => runtime.close()))
    await Promise.all(worlds.splice(0).map((world) => world.end()))
  })
  const world = async (options: Parameters<typeof makeWorld>[0] = {}): Promise<World> => {
    const made = await makeWorld(options)
    worlds.push(made)
    return made
  }

  it('gives what a run records, in order and without gaps, as it happens and again from the first [BUS-3, PTY-13, LN-13]', async () => {
    const { runtime, records } = await world()
    const live = follow(runtime)
    expect((await runtime.run(PLAN)).ok).toBe(true)
    const again = follow(runtime, { since: 1 })
    await again.ready
    const { events } = await records()
    expect(idsOf(live.events)).toEqual(storedIds(events))
    expect(idsOf(again.events)).toEqual(storedIds(events))
    expect(again.events).toEqual(live.events)
    expect([...live.gaps, ...again.gaps]).toEqual([])
    expect(new Set(live.events.map(({ topic }) => topic))).toEqual(new Set(events.map(({ type }) => type)))
  })

  it('loses nothing of a run when it crashes in the middle, nor does the run [BUS-3, SUP-8]', async () => {
    const { runtime, records } = await world({ decorators: { tree: (spec) => withCrashes(spec, new Set([2, 5, 9])) } })
    const live = follow(runtime)
    const handle = await runtime.start(PLAN)
    const ofRun = eventsOf(handle)
    expect((await handle.finished).ok).toBe(true)
    const { events } = await records()
    expect(events.filter(({ type, payload }) => type === 'actor.crashed' && payload['name'] === 'bus')).toHaveLength(3)
    await until('all is published', () => live.events.length >= events.length)
    expect(idsOf(live.events)).toEqual(storedIds(events))
    expect(storedIds(await ofRun)).toEqual(storedIds(events.filter(({ runId }) => runId === handle.runId)))
  })

  it('ends its subscriptions when the runtime closes', async () => {
    const { runtime } = await world()
    const live = follow(runtime)
    const behind = follow(runtime, { since: 1 })
    await runtime.close()
    await Promise.all([live.ready, behind.ready])
  })

  const missing = whyNoRedis()
  it.skipIf(missing !== null)(
    `shows what another process does, at once, and goes on when Redis dies and comes back [BUS-3]${missing === null ? '' : `: ${missing}`}`,
    async () => {
      const server = redisServer()
      try {
        await server.start()
        const fanOut = { redis: server.socket }
        const { runtime, repo, stateHome, records } = await world({ runtime: { fanOut } })
        const other = await startRuntime({ workspace: repo.root, stateHome, fanOut })
        others.push(other)
        const seen = follow(other)
        const output = follow(other, { topics: ['pty.output'], live: true })
        // What is live is not heard by who is not connected yet.
        await until('they hear each other', () => {
          runtime.bus.publish('pty.output', { offset: 0 })
          return output.events.length > 0
        })
        expect((await runtime.run(PLAN)).ok).toBe(true)
        const first = (await records()).events
        await until('the other has seen the run', () => seen.events.length >= first.length)
        // All of it: a terminal may have given it in two pieces.
        await until('the other has heard of all output', () => output.events.filter(({ payload }) => payload['offset'] === 3).length === 3)
        await server.kill()
        expect((await runtime.run(PLAN)).ok).toBe(true)
        await server.start()
        const all = (await records()).events
        await until('the other has seen the second run', () => seen.events.length >= all.length)
        expect(idsOf(seen.events)).toEqual(storedIds(all))
        expect(seen.gaps).toEqual([])
        await until('live events come again', () => {
          runtime.bus.publish('pty.output', { offset: 1 })
          return output.events.at(-1)?.payload['offset'] === 1
        })
      } finally {
        await server.dispose()
      }
    },
  )

  it.skipIf(missing !== null)('works without the Redis that it was told of [BUS-3]', async () => {
    const { runtime } = await world({ runtime: { fanOut: { redis: '/nowhere/redis.sock' } } })
    const live = follow(runtime)
    expect((await runtime.run(PLAN)).ok).toBe(true)
    expect(live.events.at(-1)?.topic).toBe('run.ended')
  })
})
