import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { guideSteps, type GuideWorld, makeGuideWorld } from '../helpers/guide.ts'

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/guide/first-steps.md'), 'utf8')
const steps = guideSteps(guide)

/** Words alone: no ids, places, numbers, and no line breaks, which move with the length of numbers. */
const shape = (text: string): string =>
  text
    .replace(/(\/[^\s/]+)*\/(?=shop)/gu, '/')
    .replace(/\b(rn|ln|tm|ws)_\w{26}/gu, '$1_ID')
    .replace(/\b(tests|deploy|notes|fix)-[a-z\d]{8}\b/gu, '$1-ID')
    .replace(/\b[\da-f]{12}\b/gu, 'COMMIT')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/gu, 'TIME')
    .replace(/^stopping: .*\n/gmu, '')
    .replace(/\d+(\.\d+)?/gu, 'N')
    .replace(/\s+/gu, ' ')
    .trim()

/** A line `…` stands for any number of lines. */
const pattern = (output: string): RegExp => {
  const parts = output.split(/^…\n/mu).map((part) => shape(part).replace(/[.*+?^${}()|[\]\\]/gu, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 'u')
}

let world: GuideWorld
beforeAll(async () => void (world = await makeGuideWorld()))
afterAll(() => world.end())

describe('the guide to the first steps', () => {
  it('each command prints what stands below it', async () => {
    writeFileSync(join(world.repo.root, 'plan.yaml'), /```yaml\n([^]*?)```/u.exec(guide)?.[1] ?? '')
    expect(steps.length).toBeGreaterThan(10)
    for (const { command, output } of steps) expect(shape(await world.sh(command)), command).toMatch(pattern(output))
  })
})
