import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { busActor } from '../src/actors/bus.actor.ts'
import { EventHub } from '../src/actors/event-hub.ts'
import { journalActor } from '../src/actors/journal.actor.ts'
import { BUS, JOURNAL } from '../src/actors/names.ts'
import { nactScheduler } from '../src/adapters/schedulers/nact-scheduler.adapter.ts'
import { openSqliteStore } from '../src/adapters/sqlite/sqlite-store.adapter.ts'
import { systemClock } from '../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../src/adapters/system/system-random.adapter.ts'
import { worker } from '../src/kernel/child-spec.ts'
import { parseFanOutMessage } from '../src/protocols/fan-out.schema.ts'
import { startSystem } from '../src/supervisors/system.ts'
import { controlRoundTrip } from './control-socket.ts'
import type { Samples, Suite } from './harness.ts'
import { idleOrchestrator } from './idle.ts'

/** Messages of a round. */
const LIVE = 20_000
const RECORDED = 2_000
const FANNED = 500
const VALIDATED = 5_000
const SUBSCRIBERS = 50
/** Published before others have a turn: fewer than may wait. */
const BURST = 1_000

const payload = { lane: 'parser', command: 'test', from: 123_456, to: 131_072 }

/** A second's worth. */
const perSecond = async (count: number, work: () => Promise<void>): Promise<Samples> => {
  const began = performance.now()
  await work()
  return [count / ((performance.now() - began) / 1000)]
}

/** Counts what arrives; resolves at so many. */
const counter = () => {
  let left = 0
  let done = (): void => {}
  return {
    take: (): void => {
      if ((left -= 1) === 0) done()
    },
    expect: (count: number): Promise<void> => {
      left = count
      return new Promise((resolve) => (done = resolve))
    },
  }
}

const startBus = async (directory: string) => {
  const hub = new EventHub(() => systemClock.now())
  const open = () =>
    openSqliteStore({ path: join(directory, 'store.db'), workspaceId: 'ws_01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ', clock: systemClock })
  const onFailure = (error: unknown): void => {
    throw error
  }
  const system = await startSystem({
    scheduler: nactScheduler(),
    clock: systemClock,
    random: systemRandom,
    root: {
      type: 'supervisor',
      name: 'root',
      strategy: 'rest_for_one',
      children: [worker(JOURNAL.name, journalActor, { open, onFailure }), worker(BUS.name, busActor, { hub, link: null })],
    },
  })
  return { hub, system }
}

/** The table of events as the store has it, filled by the bare engine in groups. */
const rawTable = (directory: string) => {
  const db = new DatabaseSync(join(directory, 'raw.db'))
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE events (sequence INTEGER PRIMARY KEY, type TEXT, at REAL, payload TEXT)',
  )
  const insert = db.prepare('INSERT INTO events (type, at, payload) VALUES (?, ?, ?)')
  return {
    /** @param count in transactions of 500, as the group commit has */
    fill: (count: number): void => {
      for (let done = 0; done < count; done += 500) {
        db.exec('BEGIN IMMEDIATE')
        for (let n = 0; n < 500; n += 1) insert.run('bench.recorded', Date.now(), JSON.stringify(payload))
        db.exec('COMMIT')
      }
    },
    close: () => db.close(),
  }
}

/** What goes through the bus, live and recorded, beside an EventEmitter, bare SQLite and JSON.parse; what an idle orchestrator costs. */
export const controlSuite = async ({ smoke }: { readonly smoke: boolean }): Promise<Suite> => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
  const { hub, system } = await startBus(directory)
  const raw = rawTable(directory)
  const socket = await controlRoundTrip()
  const idle = await idleOrchestrator(smoke)
  const arrived = counter()
  hub.subscribe({ topics: ['bench.live', 'bench.recorded'] }, { next: arrived.take, gap: () => undefined })
  const emitter = new EventEmitter().setMaxListeners(SUBSCRIBERS)
  emitter.on('event', arrived.take)

  const publish = async (topic: string, count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      if (n % BURST === BURST - 1) await nextTurn()
      hub.publish(topic, payload)
    }
  }
  const record = async (): Promise<void> => {
    const all = arrived.expect(RECORDED)
    const event = { type: 'bench.recorded', at: systemClock.now(), payload }
    const commits = Array.from({ length: RECORDED }, () =>
      system.ask(JOURNAL, 'journal.commit', { events: [event] }, { timeoutMs: 30_000 }),
    )
    await Promise.all([...commits, all])
  }
  /** Milliseconds from publishing one event until the last of all subscribers has it. */
  const fanOut = async (send: () => void, subscribed: ReturnType<typeof counter>): Promise<Samples> => {
    const samples: number[] = []
    for (let n = 0; n < FANNED; n += 1) {
      const all = subscribed.expect(SUBSCRIBERS)
      const began = performance.now()
      send()
      await all
      samples.push((performance.now() - began) * 1000)
    }
    return samples
  }
  const fanned = counter()
  for (let n = 0; n < SUBSCRIBERS; n += 1) hub.subscribe({ topics: ['fanned.*'] }, { next: fanned.take, gap: () => undefined })
  const fannedRaw = counter()
  for (let n = 0; n < SUBSCRIBERS; n += 1) emitter.on('fanned', fannedRaw.take)

  const line = JSON.stringify({ from: 'ss_1', number: 7, live: [{ topic: 'pty.output', key: 'pt_1', ids: { ptyId: 'pt_1' }, payload }] })
  const validate = async (check: (text: string) => unknown): Promise<Samples> => {
    const began = performance.now()
    for (let n = 0; n < VALIDATED; n += 1) if (check(line) === null) throw new Error('refused')
    return [((performance.now() - began) * 1000) / VALIDATED]
  }

  return {
    name: 'control',
    cases: [
      ...socket.cases,
      {
        name: 'bus-live',
        unit: 'msg/s',
        better: 'higher',
        ours: () =>
          perSecond(LIVE, async () => {
            const all = arrived.expect(LIVE)
            await publish('bench.live', LIVE)
            await all
          }),
        baseline: () =>
          perSecond(LIVE, async () => {
            const all = arrived.expect(LIVE)
            for (let n = 0; n < LIVE; n += 1) emitter.emit('event', JSON.stringify(payload))
            await all
          }),
      },
      {
        name: 'bus-recorded',
        unit: 'msg/s',
        better: 'higher',
        ours: () => perSecond(RECORDED, record),
        baseline: () => perSecond(RECORDED, async () => raw.fill(RECORDED)),
      },
      {
        name: 'fanout-50',
        unit: 'µs',
        better: 'lower',
        ours: () => fanOut(() => hub.publish('fanned.event', payload), fanned),
        // Over a turn of the event loop, as ours is.
        baseline: () => fanOut(() => void setImmediate(() => emitter.emit('fanned', payload)), fannedRaw),
      },
      {
        name: 'validate',
        unit: 'µs',
        better: 'lower',
        ours: () => validate(parseFanOutMessage),
        baseline: () => validate((text) => JSON.parse(text) as unknown),
      },
      ...idle.cases,
    ],
    close: async () => {
      await idle.close()
      await socket.close()
      await system.stop()
      raw.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
