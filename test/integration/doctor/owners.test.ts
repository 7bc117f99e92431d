import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { type Owner, ownIdentity, readOwners, registerOwner } from '../../../src/runtime/owners.ts'
import { forgetOldRuns } from '../../../src/runtime/retention.ts'
import { makeWorld } from '../../helpers/crash-world.ts'
import { doctor, findingOn, plant, withStore } from './planted.ts'

describe('owners of a workspace', () => {
  const table = createProcessTable()
  let directory: string
  let self: Owner
  beforeEach(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'signalbox-owners-')), 'owners')
    self = { ...ownIdentity(table), startedAt: 1 }
  })
  afterEach(() => rm(join(directory, '..'), { recursive: true, force: true }))

  it('finds those that live, and the files of those that died [LN-11]', async () => {
    expect(await readOwners(directory, table)).toEqual({ living: [], stale: [] })
    const unregister = await registerOwner(directory, self)
    await registerOwner(directory, { ...self, startTime: '1' })
    await registerOwner(directory, { ...self, startTime: '2', bootId: 'an earlier boot' })
    const { living, stale } = await readOwners(directory, table)
    expect([living, stale.length]).toEqual([[self], 2])
    await unregister()
    await unregister()
    expect((await readOwners(directory, table)).living).toEqual([])
  })

  it('takes a file that is only half there for one that is being written, while its process lives [LN-11]', async () => {
    await mkdir(directory)
    for (const text of ['', '{"pid":', 'null', '[]', '{"pid":"x"}']) {
      await writeFile(join(directory, `${self.pid}-${self.startTime}.json.1.tmp`), text)
      await writeFile(join(directory, `${self.pid}-1.json.1.tmp`), text)
      expect(await readOwners(directory, table)).toEqual({ living: [], stale: [join(directory, `${self.pid}-1.json.1.tmp`)] })
    }
  })

  it('fails rather than overlook an owner that it cannot read [LN-11]', async () => {
    await mkdir(join(directory, 'not-a-file'), { recursive: true })
    await expect(readOwners(directory, table)).rejects.toThrow('EISDIR')
    await rm(directory, { recursive: true })
    await writeFile(directory, '')
    await expect(readOwners(directory, table)).rejects.toThrow('ENOTDIR')
  })
})

describe('retention', () => {
  it('forgets old runs and their logs, but not why a worktree was kept [LN-11]', async () => {
    const world = await makeWorld()
    try {
      const ended = { outcome: 'failed', reason: 'the plan keeps those of failed lanes' } as const
      const kept = await plant(world, 'kept', { keep: 'failed', ended })
      const gone = await plant(world, 'gone', { keep: 'failed', ended })
      await world.git('worktree', 'remove', gone.path)
      await withStore(world, async (store, env) => {
        for (const { run } of [kept, gone]) {
          await mkdir(join(env.paths.logs, run.id), { recursive: true })
          await writeFile(join(env.paths.logs, run.id, 'x.log'), 'x')
        }
        expect(await forgetOldRuns(store, env.paths.logs, Date.now() - 60_000)).toEqual([])
        expect(await readFile(join(env.paths.logs, kept.run.id, 'x.log'), 'utf8')).toBe('x')
        const forgotten = await forgetOldRuns(store, env.paths.logs, Date.now() + 60_000)
        expect([...forgotten].sort()).toEqual([kept.run.id, gone.run.id].sort())
        expect(await readdir(env.paths.logs)).toEqual([])
        expect((await store.records('lane')).map(({ id }) => id)).toEqual([kept.lane.id])
      })
      const report = await doctor(world)
      expect(findingOn(report, kept.path)).toMatchObject({ action: 'left', why: ended.reason })
    } finally {
      await world.cleanup()
    }
  })
})
