import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readPlan } from '../../../src/cli/read-plan.ts'

const directory = mkdtempSync(join(tmpdir(), 'signalbox plän-'))
afterAll(() => rmSync(directory, { recursive: true }))

describe('readPlan', () => {
  it('reads relative to the working directory, and names the file as it was given', async () => {
    writeFileSync(join(directory, 'plan.yaml'), '\ufefflanes: { a: { commands: [x] } }')
    expect((await readPlan('plan.yaml', directory)).plan.lanes).toHaveLength(1)
    writeFileSync(join(directory, 'bad.yaml'), 'lanes: 5')
    await expect(readPlan('./bad.yaml', directory)).rejects.toThrow(/^\.\/bad\.yaml:1:8: /)
  })

  it.each([
    ['nothing.yaml', 'it does not exist'],
    ['.', 'it is a directory'],
    ['plan.yaml/x', 'a part of the path is not a directory'],
  ])('says why %s cannot be read', async (file, why) => {
    await expect(readPlan(file, directory)).rejects.toMatchObject({
      code: 'ERR_PLAN_NOT_FOUND',
      message: expect.stringContaining(why) as string,
    })
  })

  it('ends with a file that does not end, and refuses what is not UTF-8', async () => {
    await expect(readPlan('/dev/zero', directory)).rejects.toMatchObject({ code: 'ERR_PLAN_INVALID' })
    writeFileSync(join(directory, 'latin1.yaml'), Buffer.from('lanes: \xe4', 'latin1'))
    await expect(readPlan('latin1.yaml', directory)).rejects.toMatchObject({ code: 'ERR_PLAN_SYNTAX' })
  })
})
