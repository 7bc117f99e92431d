import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { diagnose } from '../../../src/runtime/doctor/doctor.ts'
import { composeRuntime } from '../../../src/runtime/runtime.ts'
import { makeWorld, until, type World } from './run-kit.ts'

const worlds: World[] = []
const world = async (...args: Parameters<typeof makeWorld>): Promise<World> => {
  const made = await makeWorld(...args)
  worlds.push(made)
  return made
}
afterEach(async () => {
  for (const each of worlds.splice(0)) await each.end()
})

const textOf = async (chunks: AsyncIterable<{ bytes: Uint8Array } | { gap: unknown }>, wanted: string): Promise<string> => {
  let text = ''
  for await (const chunk of chunks) {
    if ('bytes' in chunk) text += new TextDecoder().decode(chunk.bytes)
    if (text.includes(wanted)) break
  }
  return text
}

describe('a lane of its own', () => {
  it('stands with its worktree until it is removed, and then nothing is left [LN-3, LN-6]', async () => {
    const { runtime, ground } = await world()
    const before = await ground()
    const lane = await runtime.lanes.create({ name: 'scratch', env: { GREETING: 'hello' } })
    expect(lane).toMatchObject({ name: 'scratch', runId: null, snapshot: { state: 'ready' } })
    expect(existsSync(join(lane.worktree.path, 'file-1.txt'))).toBe(true)

    const one = await runtime.terminals.spawn({ laneId: lane.id, name: 'sh', command: ['/bin/sh'], size: { cols: 90, rows: 20 } }, 'a test')
    expect(one).toMatchObject({ name: 'sh', state: 'active', cols: 90, rows: 20, runId: null, lane: 'scratch' })
    expect((await runtime.records.lane(lane.id))?.snapshot.state).toBe('running')
    const pty = await runtime.terminals.pty(one.id)
    await pty.write(new TextEncoder().encode('stty size; echo "$GREETING $SIGNALBOX_LANE"; pwd\n'))
    expect(await textOf(pty.read(), lane.worktree.path)).toMatch(/20 90[^]*hello scratch/)

    const summary = await runtime.lanes.remove(lane.id, 'a test')
    expect(summary).toMatchObject({ outcome: 'succeeded', branch: null, worktree: null, commits: 0 })
    expect(await ground()).toEqual(before)
    await until('its tree is gone', () => !JSON.stringify(runtime.tree()).includes(lane.id))
    expect(await runtime.lanes.remove(lane.id, 'a test')).toEqual(summary)
    const states = (await runtime.records.events({ laneId: lane.id, types: ['lane.state-changed'] })).map(({ payload }) => payload['to'])
    expect(states).toEqual(['provisioning', 'ready', 'running', 'cleaning', 'closed'])
  })

  it('is ready again when its last terminal ended, and gives a name its terminal again [LN-1]', async () => {
    const { runtime } = await world()
    const lane = await runtime.lanes.create({ name: 'a' })
    const first = await runtime.terminals.spawn({ laneId: lane.id, name: 'job', command: 'exit 3' }, 'a test')
    await until('it is ready again', async () => (await runtime.records.lane(lane.id))?.snapshot.state === 'ready')
    expect(await runtime.terminals.get(first.id)).toMatchObject({ state: 'errored', exitCode: 3, pid: null })
    const second = await runtime.terminals.spawn({ laneId: lane.id, name: 'job', command: 'sleep 100' }, 'a test')
    expect(second).toMatchObject({ id: first.id, attempts: 2, state: 'active' })
    await expect(runtime.terminals.spawn({ laneId: lane.id, name: 'job', command: 'true' }, 'a test')).rejects.toMatchObject({
      code: 'ERR_TERMINAL_EXISTS',
    })
    const shell = await runtime.terminals.spawn({ laneId: lane.id }, 'a test')
    const another = await runtime.terminals.spawn({ laneId: lane.id }, 'a test')
    expect(another.name).toBe(`${shell.name}-2`)
    expect(await runtime.terminals.kill(second.id, 'a test', 0)).toMatchObject({ state: 'stopped', pid: null })
    expect((await runtime.terminals.list({ laneId: lane.id })).map(({ state }) => state)).toEqual(['stopped', 'active', 'active'])
  })

  it('refuses to go while it holds uncommitted work, and ends nothing then; commits stay on its branch [LN-7]', async () => {
    const { runtime, repo } = await world()
    const lane = await runtime.lanes.create({ name: 'work' })
    const shell = await runtime.terminals.spawn({ laneId: lane.id, command: 'sleep 100' }, 'a test')
    const file = join(lane.worktree.path, 'new file.txt')
    writeFileSync(file, 'text')
    await expect(runtime.lanes.remove(lane.id, 'a test')).rejects.toMatchObject({
      code: 'ERR_WORKTREE_DIRTY',
      context: { uncommitted: ['new file.txt'] },
    })
    expect(await runtime.terminals.get(shell.id)).toMatchObject({ state: 'active' })
    await runtime.terminals.spawn({ laneId: lane.id, command: 'git add -A && git commit -qm work' }, 'a test')
    await until('it is committed', async () => (await repo.git('log', '--format=%s', lane.worktree.branch)).startsWith('work'))
    await until(
      'git is done',
      async () => (await runtime.terminals.list({ laneId: lane.id })).filter(({ endedAt }) => endedAt === null).length === 1,
    )
    const [one, other] = await Promise.all([runtime.lanes.remove(lane.id, 'a'), runtime.lanes.remove(lane.id, 'b')])
    expect(one).toMatchObject({ commits: 1, branch: lane.worktree.branch, worktree: null })
    expect(other).toEqual(one)
  })

  it('that cannot be made leaves nothing and says why; its name is free again [LN-5]', async () => {
    const { runtime, ground } = await world()
    const before = await ground()
    await expect(runtime.lanes.create({ name: 'x', base: 'no-such' })).rejects.toMatchObject({ code: 'ERR_WORKTREE_BASE_NOT_FOUND' })
    await expect(runtime.lanes.create({ name: 'x', copy: ['no-such'] })).rejects.toMatchObject({ code: 'ERR_LANE_COPY_FAILED' })
    await expect(runtime.lanes.create({ name: '../x' })).rejects.toMatchObject({ code: 'ERR_PLAN_INVALID' })
    expect(await ground()).toEqual(before)
    const [one, two] = await Promise.allSettled([runtime.lanes.create({ name: 'x' }), runtime.lanes.create({ name: 'X' })])
    expect([one.status, two.status].sort()).toEqual(['fulfilled', 'rejected'])
    expect([one, two].find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'ERR_LANE_EXISTS' } })
  })

  it('is left alone by doctor, also when no orchestrator runs, with its logs [LN-7, ORP-3]', async () => {
    const { runtime, repo, stateHome } = await world()
    const lane = await runtime.lanes.create({ name: 'kept' })
    await runtime.terminals.spawn({ laneId: lane.id, command: 'sleep 100' }, 'a test')
    const options = { cwd: repo.root, stateHome, fix: true }
    const process = { kind: 'process', action: 'left', why: expect.stringContaining('terminal sleep-100 of lane kept') as unknown }
    expect((await diagnose(options)).found).toContainEqual(expect.objectContaining(process))
    await runtime.close()
    const found = (await diagnose(options)).found
    expect(found).toEqual([{ kind: 'worktree', what: lane.worktree.path, why: 'lane kept is kept until it is removed', action: 'left' }])
    expect(existsSync(lane.worktree.path)).toBe(true)
  })

  it('stands again after the orchestrator: what ran in it is said to be lost, and it can be removed [PTY-14, LN-2]', async () => {
    const { runtime, repo, stateHome } = await world()
    const lane = await runtime.lanes.create({ name: 'lasting' })
    const shell = await runtime.terminals.spawn({ laneId: lane.id, command: 'sleep 100' }, 'a test')
    await runtime.close()
    expect(existsSync(lane.worktree.path)).toBe(true)
    await using next = await composeRuntime({ workspace: repo.root, stateHome })
    expect(await next.lanes.recover()).toBe(1)
    expect(await next.lanes.recover()).toBe(0)
    await until('it is ready', async () => (await next.records.lane(lane.id))?.snapshot.state === 'ready')
    expect((await next.terminals.get(shell.id)).pid).toBe(null)
    expect(await next.terminals.spawn({ laneId: lane.id, name: 'again', command: 'sleep 100' }, 'a test')).toMatchObject({
      state: 'active',
    })
    expect(await next.lanes.remove(lane.id, 'a test')).toMatchObject({ worktree: null })
  })
})
