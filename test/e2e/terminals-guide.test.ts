import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guideSteps, type GuideWorld, makeGuideWorld } from '../helpers/guide.ts'

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/guide/terminals-and-lanes.md'), 'utf8')

const steps = guideSteps(guide)

/** Without what differs from one time to the next: ids, pids, times, places, progress, and the spaces that go with their width. */
const shape = (text: string): string =>
  text
    .replace(/(\/[^\s/]+)*\/(shop\.lanes|signalbox\/ws_)/gu, '…/$2')
    .replace(/\b(ws|ln|tm)_\w{26}/gu, '$1_ID')
    .replace(/\b(parser|docs)-[a-z\d]{8}\b/gu, '$1-ID')
    .replace(/\b[\da-f]{12}\b/gu, 'COMMIT')
    .replace(/pid \d+/gu, 'pid N')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+Z/gu, 'TIME')
    .replace(/TIME +\d{4}-\d\d-\d\d/gu, 'TIME DAY')
    .replace(/^ +\d+ {2}TIME/gmu, 'N TIME')
    .replace(/^stopping: .*\n/gmu, '')
    .replace(/\r/gu, '')
    .replace(/ {2,}/gu, '  ')
    .trimEnd()

let world: GuideWorld
beforeAll(async () => void (world = await makeGuideWorld()))
afterAll(() => world.end())

/** What is looked at may not have happened yet. */
const LOOKS = /^signalbox (term ls|term logs|events)/u

describe('the guide to terminals and lanes', () => {
  it('each command prints what stands below it', async () => {
    expect(steps.length).toBeGreaterThan(10)
    for (const { command, output } of steps) {
      const printed = async (): Promise<string> => shape(`$ ${command}\n${await world.sh(command)}`)
      const wanted = shape(`$ ${command}\n${output}`)
      if (LOOKS.test(command)) await expect.poll(printed, { timeout: 20_000 }).toBe(wanted)
      else expect(await printed()).toBe(wanted)
    }
  })
})
