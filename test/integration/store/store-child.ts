// Run by the tests as a process of its own: node store-child.ts MODE PATH [ARGUMENT]. One line of JSON an outcome.
import { rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { openSqliteStore } from '../../../src/adapters/sqlite/sqlite-store.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { EventStore } from '../../../src/ports/event-store.port.ts'
import { isSignalboxError } from '../../../src/protocols/errors.ts'

const [mode = '', path = '', argument = ''] = process.argv.slice(2)
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const open = (): Promise<EventStore> => openSqliteStore({ path, workspaceId: 'ws_01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ', clock: systemClock })
const failure = (error: unknown): object => ({ failed: isSignalboxError(error) ? error.code : 'other', message: String(error) })

/** Each commit: `size` events and a record that counts the commits. They must stand or fall together. */
const commit = (store: EventStore, n: number, size: number): Promise<unknown> =>
  store.commit({
    events: Array.from({ length: size }, (_, part) => ({ type: 'step.done', at: n, causationId: argument, payload: { n, part } })),
    records: [{ kind: 'count', id: argument, value: { n } }],
  })

const MODES: Record<string, () => Promise<void>> = {
  /** Writes until it is killed, and says what was acknowledged. */
  'write-for-ever': async () => {
    const store = await open()
    for (let n = 1; ; n += 3) {
      await Promise.all([0, 1, 2].map((more) => commit(store, n + more, 20).then(() => say({ acknowledged: n + more }))))
    }
  },
  'write-500': async () => {
    const store = await open()
    for (let n = 1; n <= 500; n += 1) await commit(store, n, 1)
    await store.close()
    say({ done: true })
  },
  'write-one': async () => {
    const store = await open()
    await commit(store, 1, 1)
    say({ putAside: store.putAside })
    await store.close()
  },
  /** Writes, waits for the end of its input with the store open, and writes again. */
  'write-and-stay': async () => {
    const store = await open()
    await commit(store, 1, 1)
    say({ written: true })
    for await (const _ of process.stdin);
    await commit(store, 2, 1)
    await store.close()
  },
  open: async () => {
    await (await open()).close()
    say({ done: true })
  },
  /** Writes until the disk is full, makes space, and writes again. */
  'fill-disk': async () => {
    const filler = `${dirname(path)}/filler`
    writeFileSync(filler, Buffer.alloc(600_000))
    const store = await open()
    let n = 0
    try {
      for (;;) {
        await commit(store, n + 1, 20)
        n += 1
      }
    } catch (error) {
      say({ acknowledged: n, ...failure(error) })
    }
    const together = await Promise.allSettled([1, 2, 3].map(() => commit(store, n + 1, 20)))
    say({ together: together.map((result) => (result.status === 'rejected' ? failure(result.reason) : {})) })
    rmSync(filler)
    await commit(store, n + 1, 20)
    const events = await store.events({})
    say({
      events: events.length,
      last: events.at(-1)?.sequence,
      count: (await store.record('count', argument))?.value['n'],
      expected: (n + 1) * 20,
    })
    await store.close()
  },
  'open-on-full-disk': async () => {
    try {
      writeFileSync(`${dirname(path)}/filler`, Buffer.alloc(4_000_000))
    } catch {
      // full, as wanted
    }
    await (await open()).close()
    say({ done: true })
  },
}

await MODES[mode]?.().catch((error: unknown) => say(failure(error)))
