import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { STORE_VERSION } from '../../../src/adapters/sqlite/migrations.ts'
import { event } from '../../contracts/event-store.contract.ts'
import { openAt, removeDirectory, runChild, runChildIn, startChild, temporaryDirectory, whyNoMounts } from './store-process.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

describe('sqlite store, bad files and bad disks', () => {
  let directory: string
  let path: string
  beforeEach(() => {
    directory = temporaryDirectory()
    path = join(directory, 'store.db')
  })
  afterEach(() => removeDirectory(directory))
  const damaged = (): string[] => readdirSync(directory).filter((name) => /^store\.db\.damaged-[0-9TZ-]+$/.test(name))

  /** A closed file of many pages. */
  const fill = async (): Promise<void> => {
    const store = await openAt(path)
    const events = Array.from({ length: 2_000 }, (_, n) => event('a.b', { payload: { n, text: 'x'.repeat(200) } }))
    await store.commit({ events, records: [{ kind: 'lane', id: 'a', value: {} }] })
    await store.close()
  }

  const scribble = (offset: number, bytes: number): void => {
    const content = readFileSync(path)
    content.fill(0xa5, offset, offset + bytes)
    writeFileSync(path, content)
  }

  const damages: [string, () => Promise<void>][] = [
    ['garbage', () => Promise.resolve(writeFileSync(path, 'this is not a database\n'.repeat(500)))],
    ['a few bytes', () => Promise.resolve(writeFileSync(path, 'x'))],
    ['a garbage header', async () => (await fill(), scribble(0, 100))],
    ['a truncated file', async () => (await fill(), truncateSync(path, 100_000))],
    ['a file cut inside a page', async () => (await fill(), truncateSync(path, 5_000))],
    ['pages of garbage in the middle', async () => (await fill(), scribble(40_000, 20_000))],
  ]
  it.each(damages)('puts %s aside, says where, and opens an empty store', async (_, damage) => {
    await damage()
    const before = readFileSync(path)
    const store = await openAt(path)
    expect(damaged()).toHaveLength(1)
    expect(store.putAside).toBe(join(directory, String(damaged()[0])))
    expect(readFileSync(String(store.putAside)).equals(before)).toBe(true)
    expect(await store.events({})).toEqual([])
    expect(await store.commit({ events: [event('a.b')] })).toMatchObject([{ sequence: 1 }])
    await store.close()
    const again = await openAt(path)
    expect(again.putAside).toBeNull()
    expect(await again.events({})).toHaveLength(1)
    await again.close()
  })

  it('puts a database aside that has not the tables of its version', async () => {
    const db = new DatabaseSync(path)
    db.exec(`CREATE TABLE other (a); PRAGMA user_version = ${STORE_VERSION}`)
    db.close()
    const store = await openAt(path)
    expect(store.putAside).toBe(join(directory, String(damaged()[0])))
    await store.commit({ events: [event('a.b')] })
    await store.close()
  })

  it('puts a WAL aside with its file, under names that SQLite finds together', async () => {
    writeFileSync(path, 'garbage'.repeat(1_000))
    writeFileSync(`${path}-wal`, 'wal')
    writeFileSync(`${path}-shm`, 'shm')
    const store = await openAt(path)
    expect(readFileSync(`${store.putAside}-wal`, 'utf8')).toBe('wal')
    expect(existsSync(`${store.putAside}-shm`)).toBe(true)
    await store.close()
  })

  it('takes an empty file for a new store', async () => {
    writeFileSync(path, '')
    const store = await openAt(path)
    expect(store.putAside).toBeNull()
    await store.close()
  })

  it('loses nothing when several processes find the damage at once: one puts aside, all write to the new file', async () => {
    writeFileSync(path, 'garbage'.repeat(1_000))
    const names = ['one', 'two', 'three', 'four']
    const results = await Promise.all(names.map((name) => runChild('write-one', path, name)))
    expect(results.map(({ stderr }) => stderr)).toEqual(['', '', '', ''])
    const reports = results.map(({ lines }) => lines[0]?.['putAside'])
    expect(reports.filter((report) => report !== null)).toHaveLength(1)
    expect(damaged()).toHaveLength(1)
    const store = await openAt(path)
    expect((await store.events({})).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4])
    expect((await store.records('count')).map(({ id }) => id)).toEqual(names.toSorted())
    await store.close()
  })

  it('judges no file while another process is opening it', async () => {
    writeFileSync(path, 'garbage'.repeat(1_000))
    writeFileSync(`${path}.gate`, '')
    const other = new DatabaseSync(`${path}.gate`)
    other.exec('BEGIN EXCLUSIVE')
    const opening = openAt(path)
    for (let turn = 0; turn < 200; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve))
    expect(damaged()).toEqual([])
    other.close()
    const store = await opening
    expect(damaged()).toHaveLength(1)
    await store.close()
  })

  it('follows another process that puts the open file aside', async () => {
    await fill()
    const store = await openAt(path)
    const scribbler = `const fs = require('node:fs'), f = fs.openSync(process.argv[1], 'r+'); fs.writeSync(f, Buffer.alloc(100, 165), 0, 100, 0)`
    // By another process: closing the file in this one would drop the locks of the store.
    expect(spawnSync(process.execPath, ['-e', scribbler, path]).status).toBe(0)
    const { lines } = await runChild('write-one', path, 'other')
    expect(lines[0]?.['putAside']).toBe(join(directory, String(damaged()[0])))
    expect(await store.commit({ events: [event('late.done')] })).toMatchObject([{ sequence: 2 }])
    await store.close()
    const again = await openAt(path)
    expect((await again.events({})).map(({ type }) => type)).toEqual(['step.done', 'late.done'])
    await again.close()
  })

  it('leaves the WAL of the new file alone when it lets go of the old one', async () => {
    await fill()
    const store = await openAt(path)
    renameSync(path, `${path}.old`)
    renameSync(`${path}-wal`, `${path}.old-wal`)
    renameSync(`${path}-shm`, `${path}.old-shm`)
    const { child, ended } = startChild('write-and-stay', path)
    await new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()))
    // Closing the old file must not delete the -wal that the child has open under the same name.
    await store.commit({ events: [event('late.done')] })
    child.stdin?.end('go on')
    await ended
    await store.close()
    const again = await openAt(path)
    expect((await again.events({})).map(({ type }) => type)).toEqual(['step.done', 'late.done', 'step.done'])
    await again.close()
  })

  it('is not stopped by a gate file with something in it', async () => {
    writeFileSync(`${path}.gate`, 'garbage'.repeat(1_000))
    const store = await openAt(path)
    await store.commit({ events: [event('a.b')] })
    await store.close()
  })

  it('refuses a file of a newer version and leaves it as it is', async () => {
    await fill()
    const db = new DatabaseSync(path)
    db.exec(`PRAGMA user_version = ${STORE_VERSION + 1}`)
    db.close()
    const before = readFileSync(path)
    await expect(openAt(path)).rejects.toMatchObject({
      code: 'ERR_STORE_TOO_NEW',
      context: { version: STORE_VERSION + 1, known: STORE_VERSION },
    })
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(damaged()).toEqual([])
    // The lock is released: the refusal is repeated at once, not after a wait.
    await expect(openAt(path)).rejects.toMatchObject({ code: 'ERR_STORE_TOO_NEW' })
  })

  it('numbers by type what a file of the first version holds, and goes on from there [BUS-3]', async () => {
    const first = await openAt(path)
    await first.commit({ events: [event('a.b'), event('c.d'), event('a.b')], records: [{ kind: 'lane', id: 'a', value: { n: 1 } }] })
    await first.close()
    const db = new DatabaseSync(path)
    db.exec('DROP INDEX events_topic; ALTER TABLE events DROP COLUMN topic_sequence; DROP TABLE topics; PRAGMA user_version = 1')
    db.close()
    const store = await openAt(path)
    expect(store.putAside).toBeNull()
    expect((await store.events({})).map(({ type, topicSequence }) => [type, topicSequence])).toEqual([
      ['a.b', 1],
      ['c.d', 1],
      ['a.b', 2],
    ])
    expect(await store.record('lane', 'a')).toMatchObject({ value: { n: 1 } })
    expect(await store.commit({ events: [event('c.d'), event('new')] })).toMatchObject([
      { sequence: 4, topicSequence: 2 },
      { sequence: 5, topicSequence: 1 },
    ])
    await store.close()
  })

  it('makes file and directory for the owner only, whatever the umask, and says nothing on stderr', async () => {
    const inner = join(directory, 'a', 'b', 'store.db')
    const { lines, stderr } = await runChildIn('umask 000; exec "$@"', directory, 'open', inner)
    expect({ lines, stderr }).toEqual({ lines: [{ done: true }], stderr: '' })
    const store = await openAt(inner)
    await store.commit({ events: [event('a.b')] })
    expect([inner, `${inner}-wal`, `${inner}-shm`, `${inner}.gate`].map(modeOf)).toEqual(['600', '600', '600', '600'])
    expect([join(directory, 'a'), join(directory, 'a', 'b')].map(modeOf)).toEqual(['700', '700'])
    await store.close()
  })

  it('takes away what others were allowed', async () => {
    await fill()
    chmodSync(path, 0o666)
    const store = await openAt(path)
    expect(modeOf(path)).toBe('600')
    await store.close()
  })

  it('refuses a directory in the place of the file, and does not change it', async () => {
    mkdirSync(path, { mode: 0o755 })
    await expect(openAt(path)).rejects.toMatchObject({ code: 'ERR_STORE_FAILED', context: { path } })
    expect(modeOf(path)).toBe('755')
    const below = join(directory, 'file', 'store.db')
    writeFileSync(join(directory, 'file'), '')
    await expect(openAt(below)).rejects.toMatchObject({ code: 'ERR_STORE_FAILED' })
  })

  it('says that the disk is full, keeps what was acknowledged, and goes on when there is space', async (context) => {
    const reason = whyNoMounts()
    if (reason !== null) return context.skip(reason)
    const mount = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'
    const { lines, stderr } = await runChildIn(mount, directory, 'fill-disk', path, ['unshare', '-m'])
    expect(stderr).toBe('')
    expect(lines[0]).toMatchObject({ failed: 'ERR_DISK_FULL', message: expect.stringContaining(basename(path)) as string })
    expect(Number(lines[0]?.['acknowledged'])).toBeGreaterThan(1)
    const full = expect.objectContaining({ failed: 'ERR_DISK_FULL' }) as object
    expect(lines[1]).toEqual({ together: [full, full, full] })
    const { events, last, count, expected } = lines[2] ?? {}
    expect({ events, last, count: Number(count) * 20 }).toEqual({ events: expected, last: expected, count: expected })
  })

  it('says that the disk is full when it is so from the start', async (context) => {
    const reason = whyNoMounts()
    if (reason !== null) return context.skip(reason)
    const mount = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'
    const { lines } = await runChildIn(mount, directory, 'open-on-full-disk', path, ['unshare', '-m'])
    expect(lines).toMatchObject([{ failed: 'ERR_DISK_FULL' }])
  })

  it.for([
    ['an existing store', true],
    ['no store yet', false],
  ] as const)('says that the file system is read-only: %s', async ([, exists], context) => {
    const reason = whyNoMounts()
    if (reason !== null) return context.skip(reason)
    if (exists) await fill()
    const mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    const { lines } = await runChildIn(mount, directory, 'open', path, ['unshare', '-m'])
    expect(lines).toMatchObject([{ failed: 'ERR_STORE_FAILED', message: expect.stringMatching(/read-only/) as string }])
    expect(existsSync(path)).toBe(exists)
    expect(damaged()).toEqual([])
  })
})
