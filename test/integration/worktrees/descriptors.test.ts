import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { makeRepo } from '../../helpers/git-repo.ts'

const worker = resolve(import.meta.dirname, 'fixtures/descriptors.ts')

describe('git without a free file descriptor', () => {
  it('fails that call with what to do, ends no process, and works again afterwards', async () => {
    const repo = await makeRepo()
    const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, worker, repo.root])
    expect(JSON.parse(stdout)).toEqual({
      codes: ['ERR_GIT_FAILED'],
      message: expect.stringMatching(/no file descriptor is free; raise the limit/u),
      after: 1,
    })
    await repo.cleanup()
  })
})
