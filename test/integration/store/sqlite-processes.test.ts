import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSqliteStore } from '../../../src/adapters/sqlite/sqlite-store.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { event } from '../../contracts/event-store.contract.ts'
import { openAt, removeDirectory, RUNS, runChild, startChild, temporaryDirectory } from './store-process.ts'

/** The locks that this process holds on a file. Without one, another process takes itself for the last and resets the WAL. */
const locksOf = (inode: number): string[] =>
  readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .filter((line) => line.includes(` ${process.pid} `) && line.includes(`:${inode} `))

describe('sqlite store, several processes', () => {
  let directory: string
  let path: string
  beforeEach(() => {
    directory = temporaryDirectory()
    path = join(directory, 'store.db')
  })
  afterEach(() => removeDirectory(directory))

  it('survives kill -9 at any moment: no half commit, no gap, nothing lost that was acknowledged [AUD-1]', async () => {
    let acknowledged = 0
    for (let round = 0; round < 6 * RUNS; round += 1) {
      const { child, ended } = startChild('write-for-ever', path, `round ${round}`)
      const wanted = 1 + Math.floor(Math.random() * 40)
      let seen = 0
      child.stdout?.on('data', (bytes: Buffer) => {
        seen += bytes.toString().split('\n').length - 1
        if (seen >= wanted) child.kill('SIGKILL')
      })
      const { lines, signal, stderr } = await ended
      expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' })
      const store = await openAt(path)
      expect(store.putAside).toBeNull()
      const events = await store.events({})
      const committed = Number((await store.record('count', `round ${round}`))?.value['n'])
      await store.close()
      acknowledged += committed
      expect(committed).toBeGreaterThanOrEqual(Number(lines.at(-1)?.['acknowledged']))
      expect(events).toHaveLength(acknowledged * 20)
      expect(events.every(({ sequence }, index) => sequence === index + 1)).toBe(true)
      const ofRound = events.filter(({ causationId }) => causationId === `round ${round}`)
      expect(ofRound.every(({ payload }, index) => payload['n'] === Math.floor(index / 20) + 1 && payload['part'] === index % 20)).toBe(
        true,
      )
    }
  })

  it('numbers the commits of two processes in one sequence without gaps, each in its order [BUS-3]', async () => {
    const results = await Promise.all([runChild('write-500', path, 'left'), runChild('write-500', path, 'right')])
    for (const { lines, stderr } of results) expect({ lines, stderr }).toEqual({ lines: [{ done: true }], stderr: '' })
    const store = await openAt(path)
    const events = await store.events({})
    expect(events).toHaveLength(1_000)
    expect(events.every(({ sequence }, index) => sequence === index + 1)).toBe(true)
    for (const side of ['left', 'right']) {
      const own = events.filter(({ causationId }) => causationId === side).map(({ payload }) => payload['n'])
      expect(own).toEqual(Array.from({ length: 500 }, (_, index) => index + 1))
    }
    await store.close()
  })

  it('keeps what two stores of one process and a third in another write', async () => {
    const first = await openAt(path)
    await first.commit({ events: [event('first.done')] })
    const second = await openAt(path)
    await second.commit({ events: [event('second.done')] })
    await runChild('write-one', path)
    await first.commit({ events: [event('first.done')] })
    await runChild('write-one', path)
    const expected = ['first.done', 'second.done', 'step.done', 'first.done', 'step.done']
    for (const store of [first, second]) expect((await store.events({})).map(({ type }) => type)).toEqual(expected)
    await Promise.all([first.close(), second.close()])
    const reader = await openAt(path)
    expect((await reader.events({})).map(({ sequence, type }) => [sequence, type])).toEqual(
      expected.map((type, index) => [index + 1, type]),
    )
    await reader.close()
  })

  it.skipIf(process.platform !== 'linux')(
    'keeps the lock of a store when another of the same process is opened (seen in /proc/locks)',
    async () => {
      const first = await openAt(path)
      await first.commit({ events: [event('first.done')] })
      const inode = statSync(path).ino
      const isLocked = () => locksOf(inode).length > 0
      expect(isLocked()).toBe(true)
      const second = await openAt(path)
      expect(isLocked()).toBe(true)
      await second.close()
      expect(isLocked()).toBe(true)
      await first.close()
      expect(isLocked()).toBe(false)
    },
  )

  it('waits for the lock of another writer without holding the event loop', async () => {
    const store = await openAt(path)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const commits = [1, 2, 3].map((n) => store.commit({ events: [event(`n${n}.done`)] }))
    const settled = Promise.allSettled(commits).then(() => 'settled')
    let turns = 0
    while (turns < 500) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      turns += 1
    }
    expect(await Promise.race([settled, Promise.resolve('waiting')])).toBe('waiting')
    // Reads are not in the way of a writer, nor it in theirs.
    expect(await store.events({})).toEqual([])
    other.exec('ROLLBACK')
    other.close()
    expect((await Promise.all(commits)).flat().map(({ sequence }) => sequence)).toEqual([1, 2, 3])
    await store.close()
  })

  it('gives up on a lock that is never released, once for all calls that wait', async () => {
    let now = 0
    let timers = 0
    const hurried = {
      now: () => Date.now(),
      monotonic: () => now,
      setTimer: (delayMs: number, fire: () => void) => {
        now += delayMs
        timers += 1
        const immediate = setImmediate(fire)
        return { cancel: () => clearImmediate(immediate) }
      },
    }
    const store = await openAt(path, hurried)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const results = await Promise.allSettled([1, 2, 3].map(() => store.commit({ events: [event('a.b')] })))
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_FAILED', retryable: true, context: { busy: true } } })
    }
    expect(now).toBeGreaterThanOrEqual(30_000)
    expect(now).toBeLessThan(31_000)
    expect(timers).toBeGreaterThan(100)
    other.exec('ROLLBACK')
    other.close()
    expect(await store.commit({ events: [event('a.b')] })).toMatchObject([{ sequence: 1 }])
    await store.close()
  })

  it('fails only the call that the file refuses, not those that shared its transaction', async () => {
    const store = await openAt(path)
    const other = new DatabaseSync(path)
    other.exec(`CREATE TRIGGER planted BEFORE INSERT ON events WHEN NEW.type = 'bad' BEGIN SELECT RAISE(ABORT, 'planted'); END`)
    other.close()
    const results = await Promise.allSettled(
      ['a', 'bad', 'b', 'bad', 'c'].map((type) =>
        store.commit({ events: [event('first'), event(type)], records: [{ kind: 'k', id: type, value: {} }] }),
      ),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'ERR_STORE_FAILED', message: expect.stringContaining('planted') as string } })
    expect((await store.events({})).map(({ sequence, type }) => `${sequence} ${type}`)).toEqual([
      '1 first',
      '2 a',
      '3 first',
      '4 b',
      '5 first',
      '6 c',
    ])
    expect((await store.records('k')).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    await store.close()
  })

  it('keeps workspaces in one file apart', async () => {
    const store = await openAt(path)
    await store.commit({ events: [event('mine.done')], records: [{ kind: 'k', id: 'a', value: {} }] })
    await store.close()
    const other = await openSqliteStore({ path, workspaceId: 'ws_01J9ZC3K6Q4WZP2J9ZC3K6Q4WX', clock: systemClock })
    expect(await other.events({})).toEqual([])
    expect(await other.records('k')).toEqual([])
    expect(await other.commit({ events: [event('theirs.done')] })).toMatchObject([{ sequence: 1 }])
    await other.close()
  })

  it('goes on in a new file when somebody removes the state directory under it', async () => {
    const inner = join(directory, 'state', 'store.db')
    const store = await openAt(inner)
    await store.commit({ events: [event('a.b')] })
    rmSync(join(directory, 'state'), { recursive: true })
    await Promise.all([1, 2, 3].map(() => store.commit({ events: [event('c.d')] })))
    await store.close()
    const again = await openAt(inner)
    expect(await again.events({})).toHaveLength(3)
    await again.close()
  })
})
