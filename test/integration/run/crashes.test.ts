import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PtyArgs } from '../../../src/actors/services.ts'
import type { EventStore } from '../../../src/ports/event-store.port.ts'
import type { Pty } from '../../../src/ports/terminal-host.port.ts'
import type { Worktree } from '../../../src/ports/worktrees.port.ts'
import { SignalboxError } from '../../../src/protocols/errors.ts'
import type { Decorators } from '../../../src/runtime/options.ts'
import { crashRepeatedly, createSaboteur, type Saboteur } from './crash-kit.ts'
import type { TreeNode } from '../../../src/supervisors/system.types.ts'
import { commandOf, eventsOf, type Ground, laneOf, lasting, logOf, makeWorld, marked, noted, until, within, type World } from './run-kit.ts'

let world: World
let before: Ground
let saboteur: Saboteur
let decorators: Decorators

const build = async (more: Decorators = {}): Promise<void> => {
  saboteur = createSaboteur()
  decorators = { tree: saboteur.tree, ...more }
  world = await makeWorld({ decorators })
  before = await world.ground()
}
beforeEach(() => {
  world = undefined as unknown as World
})
afterEach(() => world?.end())

const pidIn = (note: string): number => Number(readFileSync(join(world.notes, note), 'utf8'))
const clean = async (): Promise<void> => expect(await world.ground()).toEqual(before)
/** Runs until the test says so. */
const gated = (name: string): string => `echo $$ > "$NOTES/${name}"; while ! [ -e "$NOTES/${name}-go" ]; do sleep 0.05; done; echo finished`
/** The same, and notes how often it was started. */
const once = (name: string): string => `echo x >> "$NOTES/${name}-count"; ${gated(name)}`
const nodes = (node: TreeNode): readonly TreeNode[] => [node, ...node.children.flatMap(nodes)]
const incarnationOf = (name: string): number => nodes(world.runtime.tree()).find((node) => node.name === name)?.incarnation ?? 0
const countOf = (kind: string): number =>
  nodes(world.runtime.tree()).filter((node) => node.kind === kind && node.state === 'running').length
const go = (name: string): Promise<void> =>
  import('node:fs/promises').then(({ writeFile }) => writeFile(join(world.notes, `${name}-go`), ''))

describe('a crash of a PTY actor', () => {
  it('does not end the process: the next incarnation adopts it and records its end [SUP-8]', async () => {
    await build()
    const handle = await world.runtime.start({
      lanes: {
        a: {
          commands: [
            {
              name: 'work',
              run: gated('adopt'),
              restart: 'transient',
              intensity: { restarts: 2, withinMs: 60_000 },
              backoff: { minMs: 1, maxMs: 1 },
            },
          ],
        },
      },
    })
    await noted(world, 'adopt')
    await until('it is recorded', () => handle.view().lanes[0]?.commands[0]?.state === 'active')
    const pid = pidIn('adopt')
    saboteur.crash('pty')
    await until('it is restarted', () => saboteur.started('pty').length === 2)
    expect(marked(world.runtime.workspaceId)).toContain(pid)
    await go('adopt')
    const summary = await within(20_000, 'the run', handle.finished)
    expect(summary.ok).toBe(true)
    expect(commandOf(summary, 'a', 'work')).toMatchObject({ outcome: 'succeeded', attempts: 1, exitCode: 0 })
    const events = await eventsOf(handle)
    expect(events.filter(({ type }) => type === 'pty.spawned')).toHaveLength(1)
    expect(events.find(({ type, payload }) => type === 'supervisor.decided' && payload['command'] === 'work')?.payload).toMatchObject({
      decision: { decision: 'restart', exit: { reason: 'crashed', error: { message: expect.stringContaining('planted crash') } } },
    })
    await clean()
  })

  it('that may not be restarted ends its process and fails its lane alone [SUP-8]', async () => {
    await build()
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: { a: { commands: [{ name: 'work', run: lasting('temp') }] }, b: { commands: [{ name: 'other', run: gated('other') }] } },
    })
    await noted(world, 'temp')
    await until('it is recorded', () => handle.view().lanes[0]?.commands[0]?.state === 'active')
    await noted(world, 'other')
    saboteur.crash(saboteur.started('pty').find(({ args }) => (args as PtyArgs).lane === 'a')?.name ?? '')
    await until('the lane has ended', () => handle.view().lanes[0]?.endedAt !== null)
    expect(marked(world.runtime.workspaceId)).not.toContain(pidIn('temp'))
    await go('other')
    const summary = await within(20_000, 'the run', handle.finished)
    expect(summary.lanes.map(({ outcome }) => outcome)).toEqual(['failed', 'succeeded'])
    expect(commandOf(summary, 'a', 'work')).toMatchObject({ outcome: 'failed', attempts: 1 })
    await clean()
  })
})

describe('a crash of a lane actor', () => {
  it('ends no command: the next incarnation goes on with its lane [SUP-8]', async () => {
    await build()
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: { a: { commands: [{ name: 'work', run: once('lane-a') }, 'echo x >> "$NOTES/lane-a-after"'] } },
    })
    await noted(world, 'lane-a')
    const pid = pidIn('lane-a')
    for (const count of [2, 3]) {
      saboteur.crash('lane')
      await until('it is restarted', () => saboteur.started('lane').length === count)
    }
    expect(marked(world.runtime.workspaceId)).toContain(pid)
    await go('lane-a')
    const summary = await within(20_000, 'the run', handle.finished)
    expect(summary.ok).toBe(true)
    expect(commandOf(summary, 'a', 'work')).toMatchObject({ outcome: 'succeeded', attempts: 1, exitCode: 0 })
    for (const note of ['lane-a-count', 'lane-a-after']) expect(readFileSync(join(world.notes, note), 'utf8')).toBe('x\n')
    await clean()
  })

  it('does not forget that the lane was to stop [SUP-8]', async () => {
    await build()
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: { a: { commands: [{ name: 'deaf', run: lasting('lane-stop', "trap '' TERM HUP;"), graceMs: 1_000 }] } },
    })
    await noted(world, 'lane-stop')
    saboteur.crash('lane')
    handle.stop('the test')
    await until('it is stopping', async () => (await world.records()).lanes.some(({ snapshot }) => snapshot.state === 'cleaning'))
    saboteur.crash('lane')
    const summary = await within(20_000, 'the run', handle.finished)
    expect(laneOf(summary, 'a')).toMatchObject({ outcome: 'interrupted', reason: 'stopped: the test' })
    expect(commandOf(summary, 'a', 'deaf')).toMatchObject({ outcome: 'interrupted', attempts: 1, signal: 'SIGKILL' })
    await clean()
  })

  it('while its worktree is being made leaves nothing of it [LN-5]', async () => {
    let adding = 0
    const release = Promise.withResolvers<void>()
    await build({
      worktrees: (inner) => ({
        ...inner,
        workspace: inner.workspace,
        resolve: (base) => inner.resolve(base),
        inspect: (worktree) => inner.inspect(worktree),
        remove: (worktree) => inner.remove(worktree),
        add: async (spec, signal) => {
          adding += 1
          const made = await inner.add(spec, signal)
          await release.promise
          return made
        },
      }),
    })
    const handle = await world.runtime.start({ keep: 'never', lanes: { a: { commands: ['true'] } } })
    await until('the worktree is made', async () => adding === 1 && (await world.ground()).worktrees.length === 2)
    saboteur.crash('lane')
    const summary = await within(20_000, 'the run', handle.finished)
    release.resolve()
    expect(laneOf(summary, 'a')).toMatchObject({ outcome: 'failed', worktree: null, branch: null })
    await clean()
  })

  it('keeps uncommitted work [LN-7]', async () => {
    await build()
    const handle = await world.runtime.start({ keep: 'never', lanes: { a: { commands: [`echo x > work.txt; ${lasting('lane-work')}`] } } })
    await noted(world, 'lane-work')
    saboteur.crash('lane')
    handle.stop('the test')
    const summary = await within(20_000, 'the run', handle.finished)
    const lane = laneOf(summary, 'a')
    expect(lane).toMatchObject({ outcome: 'interrupted', uncommitted: ['work.txt'] })
    expect(readFileSync(join(lane.worktree ?? '', 'work.txt'), 'utf8')).toBe('x\n')
    expect(marked(world.runtime.workspaceId)).toEqual([])
  })

  it('more often than its intensity allows ends the lane alone, with its processes [SUP-4][SUP-8]', async () => {
    await build()
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: { a: { commands: [lasting('again')] }, b: { commands: [{ name: 'other', run: gated('again-b') }] } },
    })
    await noted(world, 'again')
    await noted(world, 'again-b')
    const name = `lane:${handle.view().lanes[0]?.id}`
    saboteur.failStarts('lane', 3)
    saboteur.crash(name)
    await until('its process has ended', () => !marked(world.runtime.workspaceId).includes(pidIn('again')))
    await go('again-b')
    const summary = await within(20_000, 'the run', handle.finished)
    expect(laneOf(summary, 'a').outcome).toBe('failed')
    expect(laneOf(summary, 'b').outcome).toBe('succeeded')
    expect(saboteur.started('lane').filter((actor) => actor.name === name)).toHaveLength(1 + 3)
    expect(marked(world.runtime.workspaceId)).toEqual([])
  })

  it('caused by an adapter that breaks its contract fails the lane alone [SUP-8]', async () => {
    let first = true
    await build({
      worktrees: (inner) => ({
        ...inner,
        workspace: inner.workspace,
        resolve: (base) => inner.resolve(base),
        inspect: (worktree) => inner.inspect(worktree),
        remove: (worktree) => inner.remove(worktree),
        add: async (spec, signal) => {
          const made = await inner.add(spec, signal)
          if (!first) return made
          first = false
          return undefined as unknown as Worktree
        },
      }),
    })
    const summary = await within(
      30_000,
      'the run',
      world.runtime.run({ keep: 'never', parallel: 1, lanes: { a: { commands: ['true'] }, b: { commands: ['true'] } } }),
    )
    expect(summary.lanes.map(({ outcome }) => outcome)).toEqual(['failed', 'succeeded'])
    await clean()
  })
})

describe.each(['crashed', 'killed'] as const)('a supervisor that is %s in the midst of running commands', (how) => {
  const lanes = {
    a: { commands: [{ name: 'work', run: once('sup-a') }, 'echo x >> "$NOTES/sup-a-after"'] },
    b: {
      commands: [
        { name: 'srv', run: lasting('sup-srv'), restart: 'permanent' },
        { name: 'work', run: once('sup-b') },
      ],
    },
  }
  const notes = ['sup-a', 'sup-b', 'sup-srv']

  it.each(['terminals', 'lanes', 'runs'])(
    'brings its children back from the records, and each command runs once: %s [SUP-3, SUP-8]',
    async (which) => {
      await build()
      const handle = await world.runtime.start({ keep: 'never', lanes })
      for (const note of notes) await noted(world, note)
      const names = which === 'terminals' ? handle.view().lanes.map(({ id }) => `terminals:${id}`) : [which]
      await until('all have said their pid', () => notes.every((note) => pidIn(note) > 0))
      const pids = notes.map(pidIn)
      for (let round = 1; round <= 2; round += 1) {
        const before = new Map(names.map((name) => [name, incarnationOf(name)]))
        for (const name of names) saboteur.crashSupervisor(name, how)
        await until('they are restarted', () => names.every((name) => incarnationOf(name) > (before.get(name) ?? 0)))
        await until('all terminals are back', () => countOf('pty') === 3)
      }
      expect(marked(world.runtime.workspaceId)).toEqual(expect.arrayContaining(pids))
      await go('sup-a')
      await go('sup-b')
      const summary = await within(20_000, 'the run', handle.finished)
      expect(summary.lanes.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded'])
      expect(summary.lanes.flatMap(({ commands }) => commands.map(({ outcome, attempts }) => [outcome, attempts]))).toEqual([
        ['succeeded', 1],
        ['succeeded', 1],
        ['stopped', 1],
        ['succeeded', 1],
      ])
      for (const note of ['sup-a-count', 'sup-b-count', 'sup-a-after']) expect(readFileSync(join(world.notes, note), 'utf8')).toBe('x\n')
      await clean()
    },
  )

  it('brings back a terminal whose output goes on: neither a gap nor a repetition [PTY-12, SUP-8]', async () => {
    let pty: Pty | null = null
    await build({
      terminals: (inner) => ({
        spawn: async (spec) => (pty = await inner.spawn(spec)),
        get: (ptyId) => inner.get(ptyId),
        list: () => inner.list(),
        close: (graceMs) => inner.close(graceMs),
      }),
    })
    const count = 'echo $$ > "$NOTES/lines"; i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo "line $i"; sleep 0.005; done'
    const handle = await world.runtime.start({ keep: 'never', lanes: { a: { commands: [{ name: 'lines', run: count }] } } })
    await noted(world, 'lines')
    const name = `terminals:${handle.view().lanes[0]?.id}`
    await until('it puts lines out', () => ((pty as Pty | null)?.stats().outputBytes ?? 0) > 100)
    saboteur.crashSupervisor(name, how)
    const summary = await within(20_000, 'the run', handle.finished)
    expect(commandOf(summary, 'a', 'lines')).toMatchObject({ outcome: 'succeeded', attempts: 1 })
    expect(logOf(summary, 'a', 'lines')).toBe(Array.from({ length: 300 }, (_, n) => `line ${n + 1}\n`).join(''))
    await clean()
  })

  it('records how a command ended in the meantime, and does not run it again [SUP-8]', async () => {
    await build()
    const handle = await world.runtime.start({ keep: 'never', lanes: { a: { commands: [{ name: 'work', run: once('meantime') }] } } })
    await noted(world, 'meantime')
    await until('it is recorded', () => handle.view().lanes[0]?.commands[0]?.state === 'active')
    saboteur.failStarts('pty', 1_000)
    const pid = pidIn('meantime')
    await go('meantime')
    saboteur.crashSupervisor(`terminals:${handle.view().lanes[0]?.id}`, how)
    await until('its process has ended', () => !marked(world.runtime.workspaceId).includes(pid))
    saboteur.failStarts('pty', 0)
    const summary = await within(20_000, 'the run', handle.finished)
    expect(commandOf(summary, 'a', 'work').attempts).toBe(1)
    expect(readFileSync(join(world.notes, 'meantime-count'), 'utf8')).toBe('x\n')
    await clean()
  })

  it('too often ends its lane alone, with its processes [SUP-4, SUP-8]', async () => {
    await build()
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: { a: { commands: [lasting('often')] }, b: { commands: [gated('often-b')] } },
    })
    await noted(world, 'often')
    await noted(world, 'often-b')
    const name = `terminals:${handle.view().lanes[0]?.id}`
    for (let count = 1; count <= 4; count += 1) {
      await until('it runs', () => incarnationOf(name) === count)
      saboteur.crashSupervisor(name, how)
    }
    await until('the lane has ended', () => !marked(world.runtime.workspaceId).includes(pidIn('often')))
    await go('often-b')
    const summary = await within(20_000, 'the run', handle.finished)
    expect(summary.lanes.map(({ outcome }) => outcome)).toEqual(['failed', 'succeeded'])
  })
})

describe('a crash of a run actor', () => {
  it('goes on where it was: lanes run on, those that wait begin, nothing runs twice [SUP-8]', async () => {
    await build()
    const handle = await world.runtime.start({
      parallel: 2,
      lanes: {
        done: { commands: ['true'] },
        a: { commands: [{ name: 'work', run: gated('run-a') }] },
        after: { after: ['a', 'done'], commands: ['echo x >> "$NOTES/after-ran"'] },
      },
    })
    await noted(world, 'run-a')
    await until('the first has ended', () => handle.view().lanes[0]?.outcome === 'succeeded')
    await crashRepeatedly(saboteur, 'run', 2)
    await until('it is restarted', () => saboteur.started('run').length === 3)
    await go('run-a')
    const summary = await within(20_000, 'the run', handle.finished)
    expect(summary.lanes.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['done', 'succeeded'],
      ['a', 'succeeded'],
      ['after', 'succeeded'],
    ])
    expect(readFileSync(join(world.notes, 'after-ran'), 'utf8')).toBe('x\n')
    expect(commandOf(summary, 'a', 'work').attempts).toBe(1)
    await clean()
  })

  it('does not forget that the run was to stop [SUP-8]', async () => {
    await build()
    const handle = await world.runtime.start({
      parallel: 1,
      lanes: {
        a: { commands: [{ name: 'srv', run: lasting('stopping', "trap '' TERM HUP;"), graceMs: 1_500 }] },
        b: { commands: ['touch "$NOTES/b-ran"'] },
      },
    })
    await noted(world, 'stopping')
    handle.stop('the test')
    saboteur.crash('run')
    const summary = await within(20_000, 'the run', handle.finished)
    expect(summary.outcome).toBe('interrupted')
    expect(summary.lanes.map(({ outcome }) => outcome)).toEqual(['interrupted', 'interrupted'])
    await clean()
  })

  it('more often than it may be restarted stops and cleans its lanes, and rejects; other runs go on [SUP-4][SUP-8]', async () => {
    await build()
    const doomed = await world.runtime.start({ keep: 'never', lanes: { a: { commands: [lasting('doomed')] } } })
    await noted(world, 'doomed')
    const other = await world.runtime.start({ lanes: { b: { commands: [gated('survivor')] } } })
    await noted(world, 'survivor')
    const name = `run:${doomed.runId}`
    for (let count = 1; count <= 4; count += 1) {
      await until('it runs', () => saboteur.started('run').filter((actor) => actor.name === name).length === count)
      saboteur.crash(name)
    }
    await expect(within(20_000, 'the run', doomed.finished)).rejects.toMatchObject({ code: 'ERR_SUPERVISOR_INTENSITY' })
    expect(marked(world.runtime.workspaceId)).toContain(pidIn('survivor'))
    expect(marked(world.runtime.workspaceId)).not.toContain(pidIn('doomed'))
    expect((await world.ground()).worktrees).toHaveLength(2)
    await go('survivor')
    expect((await within(20_000, 'the other run', other.finished)).ok).toBe(true)
    await clean()
  })
})

describe('a crash of the journal', () => {
  it('ends no process and fails no run: what waits is written by the next incarnation, without a gap [SUP-8]', async () => {
    await build()
    const handle = await world.runtime.start({ lanes: { a: { commands: [{ name: 'work', run: gated('journal') }, 'true'] } } })
    await noted(world, 'journal')
    await until('it is recorded', () => handle.view().lanes[0]?.commands[0]?.state === 'active')
    saboteur.crash('journal')
    await until('it is restarted', () => saboteur.started('journal').length === 2)
    await go('journal')
    const summary = await within(20_000, 'the run', handle.finished)
    expect(summary.ok).toBe(true)
    const { events } = await world.records()
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
    await clean()
  })

  it('at any moment of a run leaves no process, and the run ends [SUP-8]', async () => {
    await build()
    for (const type of ['run.started', 'lane.created', 'pty.state-changed', 'pty.spawned', 'pty.exited']) {
      const handle = await world.runtime.start({ keep: 'never', lanes: { a: { commands: ['true', 'true'] }, b: { commands: ['true'] } } })
      const watching = (async () => {
        for await (const event of handle.events()) {
          if (event.type !== type) continue
          saboteur.crash('journal')
          return
        }
      })()
      await within(
        20_000,
        `the run with a crash at ${type}`,
        handle.finished.catch(() => undefined),
      )
      await watching
      expect(marked(world.runtime.workspaceId), type).toEqual([])
    }
    await clean()
  })

  it('that is a store which cannot write ends everything with that error [SUP-8]', async () => {
    let broken = false
    const failing = (store: EventStore): EventStore => ({
      putAside: store.putAside,
      commit: (commit) =>
        broken ? Promise.reject(new SignalboxError('ERR_STORE_FAILED', 'planted: the store cannot write')) : store.commit(commit),
      events: (query) => store.events(query),
      record: (kind, id) => store.record(kind, id),
      records: (kind) => store.records(kind),
      forgetRunsBefore: (at) => store.forgetRunsBefore(at),
      close: () => store.close(),
    })
    await build({ store: failing })
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        a: { commands: [{ name: 'deaf', run: lasting('store', "trap '' TERM HUP;"), graceMs: 300 }] },
        b: { commands: [gated('store-b')] },
      },
    })
    await noted(world, 'store')
    await noted(world, 'store-b')
    broken = true
    await go('store-b')
    await expect(within(20_000, 'the run', handle.finished)).rejects.toMatchObject({ code: 'ERR_STORE_FAILED', message: /planted/u })
    await within(30_000, 'closing', world.runtime.close())
    expect(marked(world.runtime.workspaceId)).toEqual([])
    await expect(world.runtime.start({ lanes: { a: { commands: ['true'] } } })).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' })
  })
})

describe('a terminal host', () => {
  it('that loses a process has its attempt recorded as failed, and a new one made where the plan allows it [SUP-8]', async () => {
    let lose: ((error: unknown) => void) | null = null
    await build({
      terminals: (inner) => ({
        spawn: async (spec) => {
          const pty = await inner.spawn(spec)
          if (lose !== null) return pty
          const lost = Promise.withResolvers<never>()
          lost.promise.catch(() => undefined)
          lose = lost.reject
          return new Proxy(pty, {
            get: (target, key): unknown => {
              if (key === 'exited') return Promise.race([target.exited, lost.promise])
              const value: unknown = Reflect.get(target, key)
              return typeof value === 'function' ? value.bind(target) : value
            },
          }) as Pty
        },
        get: (ptyId) => inner.get(ptyId),
        list: () => inner.list(),
        close: (graceMs) => inner.close(graceMs),
      }),
    })
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        a: {
          commands: [
            {
              name: 'work',
              run: `echo x >> "$NOTES/lost-count"; ${gated('lost')}`,
              restart: 'transient',
              intensity: { restarts: 2, withinMs: 60_000 },
              backoff: { minMs: 1, maxMs: 1 },
            },
          ],
        },
      },
    })
    await noted(world, 'lost')
    await until('it is recorded', () => handle.view().lanes[0]?.commands[0]?.state === 'active')
    ;(lose as ((error: unknown) => void) | null)?.(new Error('planted: the host lost it'))
    await until('a second attempt runs', () => readFileSync(join(world.notes, 'lost-count'), 'utf8') === 'x\nx\n')
    await go('lost')
    const summary = await within(20_000, 'the run', handle.finished)
    expect(commandOf(summary, 'a', 'work')).toMatchObject({ outcome: 'succeeded', attempts: 2 })
    await within(20_000, 'closing', world.runtime.close())
    await clean()
  })
})
