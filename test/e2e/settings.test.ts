import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunSummary } from '../../src/protocols/summary.ts'
import { type CliWorld, makeCliWorld } from '../helpers/cli.ts'

let world: CliWorld
let elsewhere: string
beforeEach(async () => {
  world = await makeCliWorld({ name: 'a repo — mit Lücken' })
  elsewhere = mkdtempSync(join(tmpdir(), 'signalbox elsewhere '))
})
afterEach(async () => {
  await world.cleanup()
  rmSync(elsewhere, { recursive: true, force: true })
})

const summaryOf = async (...args: string[]): Promise<RunSummary['lanes'][number] | undefined> => {
  const { stdout } = await world.run(['run', ...args, '--json'])
  return (JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as RunSummary).lanes[0]
}

describe('settings', () => {
  it('lanes.place: inside the repository, where git does not see them, or below a directory of its own [LN-4]', async () => {
    writeFileSync(join(world.repo.root, 'signalbox.yaml'), 'lanes: { place: inside, branchPrefix: wip/ }\nrun: { keep: always }\n')
    await world.repo.git('add', '.')
    await world.repo.git('commit', '-qm', 'settings')
    const plan = world.plan('lanes: { a: { commands: ["git commit -q --allow-empty -m work"] } }')
    const inside = await summaryOf(plan)
    expect(inside?.worktree).toContain(join(world.repo.root, '.signalbox/lanes/a-'))
    expect(inside?.branch).toMatch(/^wip\/a-/u)
    expect(await world.repo.git('status', '--porcelain')).toBe('')
    const other = await summaryOf(plan, '--set', `lanes.place=${elsewhere}`)
    expect(other?.worktree?.startsWith(`${join(elsewhere, 'a repo — mit Lücken')}-`)).toBe(true)
    const exclude = readFileSync(join(world.repo.root, '.git/info/exclude'), 'utf8')
    expect(exclude.split('\n').filter((line) => line === '/.signalbox/')).toHaveLength(1)
  })

  it('logs.maxBytes bounds the log of a command', async () => {
    const plan = world.plan('lanes: { a: { commands: ["yes | head -c 1000000"] } }')
    const lane = await summaryOf(plan, '--set', 'logs.maxBytes=65536')
    const path = lane?.commands[0]?.log ?? ''
    expect(statSync(path).size).toBeLessThan(70_000)
    expect(readFileSync(path, 'utf8')).toContain('the log is over its cap')
  })
})
