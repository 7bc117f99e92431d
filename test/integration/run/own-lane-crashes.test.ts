import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { LaneRecord } from '../../../src/protocols/records.ts'
import type { TerminalInfo } from '../../../src/protocols/control/views.ts'
import type { TreeNode } from '../../../src/supervisors/system.types.ts'
import { createSaboteur, type Saboteur } from './crash-kit.ts'
import { type Ground, lasting, makeWorld, marked, noted, until, within, type World } from './run-kit.ts'

let world: World
let before: Ground
let saboteur: Saboteur
afterEach(() => world?.end())

const build = async (): Promise<void> => {
  saboteur = createSaboteur()
  world = await makeWorld({ decorators: { tree: saboteur.tree } })
  before = await world.ground()
}
const nodes = (node: TreeNode): readonly TreeNode[] => [node, ...node.children.flatMap(nodes)]
const all = (): readonly TreeNode[] => nodes(world.runtime.tree())
const incarnationOf = (name: string): number => all().find((node) => node.name === name)?.incarnation ?? 0
const running = (kind: string): number => all().filter((node) => node.kind === kind && node.state === 'running').length
const processes = (): readonly number[] => marked(world.runtime.workspaceId).toSorted((one, other) => one - other)
const stateOf = async ({ id }: LaneRecord): Promise<string | undefined> => (await world.runtime.records.lane(id))?.snapshot.state
const open = (lane: LaneRecord, name: string, command: string | readonly string[], more: object = {}): Promise<TerminalInfo> =>
  world.runtime.terminals.spawn({ laneId: lane.id, name, command, ...more }, 'a test')
const pidIn = (note: string): number => Number(readFileSync(join(world.notes, note), 'utf8'))
const gated = (name: string): string => `echo $$ > "$NOTES/${name}"; while ! [ -e "$NOTES/${name}-go" ]; do sleep 0.05; done; echo finished`
const go = (name: string): void => writeFileSync(join(world.notes, `${name}-go`), '')
const echoes = async (id: TerminalInfo['id'], word: string): Promise<boolean> => {
  const pty = await world.runtime.terminals.pty(id)
  await pty.write(new TextEncoder().encode(`echo ${word}$((1+1))\n`))
  await until('it answers', async () => new TextDecoder().decode(await pty.tail(4_096)).includes(`${word}2`))
  return true
}

describe.each(['crashed', 'killed'] as const)('a supervisor over lanes of their own that is %s', (how) => {
  const crash = async (name: string): Promise<void> => {
    const was = incarnationOf(name)
    saboteur.crashSupervisor(name, how)
    await until(`${name} is restarted`, () => incarnationOf(name) > was)
  }

  it.each(['terminals', 'lanes'])('finds its lanes and terminals again, each process as it was: %s [SUP-3, SUP-8]', async (which) => {
    await build()
    const one = await world.runtime.lanes.create({ name: 'one' })
    const two = await world.runtime.lanes.create({ name: 'two', env: { GREETING: 'hello' } })
    const shell = await world.runtime.terminals.spawn({ laneId: one.id, name: 'sh', command: ['/bin/sh'] }, 'a test')
    await open(one, 'work', gated('work'))
    await open(two, 'srv', lasting('srv'), { restart: 'permanent', graceMs: 100 })
    await noted(world, 'srv')
    await noted(world, 'work')
    await until('all have said their pid', () => pidIn('srv') > 0 && pidIn('work') > 0)
    const pids = [(await world.runtime.terminals.get(shell.id)).pid, pidIn('srv'), pidIn('work')]
    const names = which === 'terminals' ? [one, two].map(({ id }) => `terminals:${id}`) : [which]
    for (let round = 1; round <= 2; round += 1) {
      for (const name of names) await crash(name)
      await until('all terminals are back', () => running('pty') === 3)
    }
    expect(processes()).toEqual(expect.arrayContaining(pids))
    expect(await world.runtime.terminals.list()).toMatchObject([
      { name: 'sh', attempts: 1, state: 'active' },
      { name: 'work', attempts: 1, state: 'active' },
      { name: 'srv', attempts: 1, state: 'active' },
    ])
    expect(await echoes(shell.id, 'still')).toBe(true)
    expect([await stateOf(one), await stateOf(two)]).toEqual(['running', 'running'])
    // They are supervised: what ends is recorded and restarted, a name is free again, and its lane is ready when nothing runs.
    go('work')
    await until('its end is known', async () => (await world.runtime.terminals.list({ laneId: one.id }))[1]?.exitCode === 0)
    process.kill(pidIn('srv'), 'SIGKILL')
    await until('it is restarted', async () => (await world.runtime.terminals.list({ laneId: two.id }))[0]?.attempts === 2)
    await world.runtime.terminals.kill(shell.id, 'a test', 0)
    await until('its lane is ready', async () => (await stateOf(one)) === 'ready')
    expect(await open(one, 'work', 'sleep 100')).toMatchObject({ attempts: 2, state: 'active' })
    for (const { id } of [one, two])
      expect(await within(20_000, 'removal', world.runtime.lanes.remove(id, 'a test'))).toMatchObject({ worktree: null })
    expect(await world.ground()).toEqual(before)
    await until('no tree is left', () => running('lane') === 0)
  })

  it.each(['terminals', 'lanes'])('records what ended in the meantime, once: %s [SUP-8]', async (which) => {
    await build()
    const lane = await world.runtime.lanes.create({ name: 'a' })
    const work = await open(lane, 'work', `${gated('meantime')}; exit 7`)
    await noted(world, 'meantime')
    saboteur.failStarts('pty', 1_000)
    go('meantime')
    saboteur.crashSupervisor(which === 'terminals' ? `terminals:${lane.id}` : which, how)
    await until('its process has ended', () => processes().length === 0)
    saboteur.failStarts('pty', 0)
    await until('its lane is ready', async () => (await stateOf(lane)) === 'ready')
    const info = await world.runtime.terminals.get(work.id)
    expect(info).toMatchObject({ attempts: 1, pid: null })
    expect(info.endedAt).not.toBeNull()
    expect((await world.runtime.records.events({ laneId: lane.id, types: ['pty.spawned'] })).length).toBe(1)
  })

  it('too often ends the terminals of that lane alone; the lane can be removed [SUP-4, SUP-8]', async () => {
    await build()
    const [one, two] = [await world.runtime.lanes.create({ name: 'one' }), await world.runtime.lanes.create({ name: 'two' })]
    const lost = await open(one, 'srv', lasting('often'), { restart: 'permanent' })
    await open(two, 'srv', lasting('calm'))
    await noted(world, 'often')
    await noted(world, 'calm')
    const name = `terminals:${one.id}`
    for (let count = 1; count <= 4; count += 1) {
      await until('it runs', () => incarnationOf(name) === count)
      saboteur.crashSupervisor(name, how)
    }
    await until('it has ended', () => !processes().includes(pidIn('often')))
    await until('that is recorded', async () => (await world.runtime.terminals.get(lost.id)).endedAt !== null)
    expect(processes()).toContain(pidIn('calm'))
    expect(await within(20_000, 'removal', world.runtime.lanes.remove(one.id, 'a test'))).toMatchObject({ worktree: null })
    expect(await stateOf(two)).toBe('running')
  })

  it.each(['terminals', 'lanes'])(
    'in the midst of openings and removals leaves nothing that nobody supervises: %s [SUP-8, LN-5]',
    async (which) => {
      await build()
      const lanes = await Promise.all(['a', 'b', 'c'].map((name) => world.runtime.lanes.create({ name })))
      const opened = lanes.flatMap((lane) => ['x', 'y'].map((name) => open(lane, name, ['sleep', '1000'], { graceMs: 100 })))
      const last = lanes[2] as LaneRecord
      const opening = Promise.allSettled(opened)
      const remove = (): Promise<unknown> => world.runtime.lanes.remove(last.id, 'a test')
      const removal = Promise.allSettled([opened.at(-1)?.then(remove, remove)])
      if (which === 'lanes') await crash(which)
      else for (const { id } of lanes) saboteur.crashSupervisor(`terminals:${id}`, how)
      await within(30_000, 'every opening is answered', opening)
      await within(30_000, 'the removal', removal)
      const kept = lanes.slice(0, 2)
      const isUp = (name: string): boolean => all().some((node) => node.name === name && node.state === 'running')
      await until('their actors are back', () => kept.every(({ id }) => isUp(`lane:${id}`) && isUp(`terminals:${id}`)))
      await until('as many terminals as processes', () => running('pty') === processes().length)
      for (const lane of kept) {
        await until('it is settled', async () => ['ready', 'running'].includes((await stateOf(lane)) ?? ''))
        expect(await open(lane, 'again', ['sleep', '1000'], { graceMs: 100 })).toMatchObject({ state: 'active' })
      }
      for (const { id } of lanes) await within(20_000, 'removal', world.runtime.lanes.remove(id, 'a test'))
      expect(await world.ground()).toEqual(before)
      expect(lanes.every(({ worktree }) => !existsSync(worktree.path))).toBe(true)
    },
  )
})

describe('a lane of its own whose actor crashed', () => {
  it('goes on with its terminals, and so after its lanes supervisor crashed too [SUP-8]', async () => {
    await build()
    const lane = await world.runtime.lanes.create({ name: 'a' })
    const shell = await world.runtime.terminals.spawn({ laneId: lane.id, command: ['/bin/sh'] }, 'a test')
    const was = incarnationOf(`lane:${lane.id}`)
    saboteur.crash(`lane:${lane.id}`)
    await until('it is restarted', () => incarnationOf(`lane:${lane.id}`) > was)
    saboteur.crashSupervisor('lanes', 'crashed')
    await until('it is back', () => running('pty') === 1 && running('lane') === 1)
    expect(await echoes(shell.id, 'here')).toBe(true)
    expect((await world.runtime.terminals.get(shell.id)).attempts).toBe(1)
    await world.runtime.terminals.kill(shell.id, 'a test', 0)
    await until('its lane is ready', async () => (await stateOf(lane)) === 'ready')
  })
})
