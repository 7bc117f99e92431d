import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProcessIdentity, ProcessTable } from '../../../src/ports/process-table.port.ts'
import { sameProcess } from '../../../src/protocols/process-key.ts'
import { ownIdentity, readOwners, registerOwner } from '../../../src/runtime/owners.ts'

let directory: string
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'signalbox-owners-')), 'owners')
})
afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }))

const owner = (pid: number) => ({ pid, startTime: `${pid}00`, bootId: 'boot', startedAt: 5 })
const table = (alive: readonly number[]): ProcessTable => ({
  identify: (pid) => (alive.includes(pid) ? owner(pid) : null),
  isAlive: ({ pid, startTime, bootId }: ProcessIdentity) => alive.includes(pid) && startTime === `${pid}00` && bootId === 'boot',
  findByMark: () => Promise.resolve([]),
  signal: () => false,
})

describe('owners', () => {
  it('that live are found, those that died are stale, whatever their file holds [PTY-15]', async () => {
    await registerOwner(directory, owner(1))
    await registerOwner(directory, owner(2))
    await writeFile(join(directory, 'half.json'), '{"pid": 3, "startTi')
    await writeFile(join(directory, 'wrong.json'), '{"pid": "1"}')
    await writeFile(join(directory, 'null.json'), 'null')
    // The pid lives, but it is another process by now.
    await writeFile(join(directory, 'reused.json'), JSON.stringify({ ...owner(1), startTime: '7' }))
    const { living, stale } = await readOwners(directory, table([1]))
    expect(living).toEqual([owner(1)])
    expect(stale.map((path) => path.slice(directory.length + 1)).sort()).toEqual([
      '2-200.json',
      'half.json',
      'null.json',
      'reused.json',
      'wrong.json',
    ])
  })

  it('are taken back, and their files are private [PTY-15]', async () => {
    const takeBack = await registerOwner(directory, owner(1))
    const [name = ''] = await readdir(directory)
    expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    await takeBack()
    await takeBack()
    expect(await readdir(directory)).toEqual([])
    expect(await readOwners(join(directory, 'nowhere'), table([]))).toEqual({ living: [], stale: [] })
  })

  it('cannot be registered where the directory cannot be made: that is said with its path [LN-5]', async () => {
    await writeFile(directory, 'a file')
    await expect(registerOwner(directory, owner(1))).rejects.toMatchObject({
      code: 'ERR_STORE_FAILED',
      message: expect.stringContaining(directory),
    })
  })

  it('know who they are, and one process from another [PTY-14]', () => {
    expect(() => ownIdentity(table([]))).toThrow(expect.objectContaining({ code: 'ERR_PTY_UNSUPPORTED' }))
    expect(ownIdentity(table([process.pid])).pid).toBe(process.pid)
    expect(sameProcess(owner(1), owner(1))).toBe(true)
    for (const other of [{ pid: 2 }, { startTime: 'x' }, { bootId: 'x' }])
      expect(sameProcess(owner(1), { ...owner(1), ...other })).toBe(false)
  })
})
