import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChildSpec, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import type { EventStore } from '../../../src/ports/event-store.port.ts'
import type { TerminalHost } from '../../../src/ports/terminal-host.port.ts'
import type { CloseProgress } from '../../../src/runtime/close-phases.ts'
import type { CloseReport } from '../../../src/runtime/runtime.ts'
import { eventsOf, type Ground, lasting, makeWorld, marked, noted, until, within, type World, type WorldOptions } from './run-kit.ts'

const PHASES = ['accepting', 'runs', 'terminals', 'lanes', 'infrastructure']
const never = (): Promise<never> => new Promise(() => {})

let world: World
let before: Ground

const build = async (options: WorldOptions = {}): Promise<void> => {
  world = await makeWorld(options)
  before = await world.ground()
}
beforeEach(() => {
  world = undefined as unknown as World
})
afterEach(() => world?.end())

const close = (): Promise<CloseReport> => within(30_000, 'closing', world.runtime.close())
const pidIn = (note: string): number => Number(readFileSync(join(world.notes, note), 'utf8'))
const lateIn = ({ phases }: CloseReport) => phases.map(({ phase, late }) => [phase, late])
const stubborn = (name: string, graceMs: number) => ({ name, graceMs, run: lasting(name, "trap '' TERM HUP INT;") })
const forever = (name: string) => ({ name, run: lasting(name), restart: 'permanent' })

/** One handler of the actors of a kind never returns. */
const hanging =
  (kind: string, type: string) =>
  (spec: SupervisorSpec): SupervisorSpec => {
    const around = (child: ChildSpec): ChildSpec => {
      if (child.type === 'supervisor') return { ...child, ...(child.children !== undefined && { children: child.children.map(around) }) }
      if (child.definition.kind !== kind) return child
      return { ...child, definition: { ...child.definition, on: { ...child.definition.on, [type]: never } } }
    }
    return around(spec) as SupervisorSpec
  }

const aroundStore =
  (change: (store: EventStore) => Partial<EventStore>) =>
  (store: EventStore): EventStore => ({
    putAside: store.putAside,
    commit: (commit) => store.commit(commit),
    events: (query) => store.events(query),
    record: (kind, id) => store.record(kind, id),
    records: (kind) => store.records(kind),
    forgetRunsBefore: (at) => store.forgetRunsBefore(at),
    close: () => store.close(),
    ...change(store),
  })

describe('a close of the runtime', () => {
  it('goes through its phases in order and tells of each; two at once are one [SUP-6]', async () => {
    await build()
    const handle = await world.runtime.start({ keep: 'never', lanes: { a: { commands: [forever('srv')] } } })
    await noted(world, 'srv')
    const seen: CloseProgress[] = []
    const reports = await within(
      30_000,
      'closing twice',
      Promise.all([world.runtime.close({ onProgress: (progress) => seen.push(progress) }), world.runtime.close()]),
    )
    expect(reports[1]).toBe(reports[0])
    expect(lateIn(reports[0])).toEqual(PHASES.map((phase) => [phase, []]))
    expect(seen.map(({ phase, report }) => [phase, report])).toEqual(
      reports[0].phases.flatMap((report) => [
        [report.phase, null],
        [report.phase, report],
      ]),
    )
    expect((await handle.finished).outcome).toBe('interrupted')
    expect(await world.ground()).toEqual(before)
  })

  it('stops runs and their lanes in the reverse order of start [SUP-6]', async () => {
    await build()
    const names: string[] = []
    for (const run of ['one', 'two']) {
      await world.runtime.start({
        keep: 'never',
        lanes: { [`${run}-a`]: { commands: [forever(`${run}-a`)] }, [`${run}-b`]: { commands: [forever(`${run}-b`)] } },
      })
      for (const lane of ['a', 'b']) await noted(world, `${run}-${lane}`)
    }
    const watching = (async () => {
      for await (const { type, payload } of world.runtime.events())
        if (type === 'lane.state-changed' && payload['event'] === 'cleanup') names.push(String(payload['name']))
    })()
    await close()
    await watching
    expect(names.indexOf('two-b')).toBeLessThan(names.indexOf('two-a'))
    expect(names.indexOf('one-b')).toBeLessThan(names.indexOf('one-a'))
    expect(names.indexOf('two-b')).toBeLessThan(names.indexOf('one-b'))
    expect(await world.ground()).toEqual(before)
  })

  it('gives a command that ignores SIGTERM its grace; that is not late [PTY-7]', async () => {
    await build()
    await world.runtime.start({ keep: 'never', lanes: { a: { commands: [stubborn('deaf', 300)] } } })
    await noted(world, 'deaf')
    expect(lateIn(await close())).toEqual(PHASES.map((phase) => [phase, []]))
    expect(await world.ground()).toEqual(before)
  })

  it('names the command that does not stop in time with its pid, kills it, and cleans its lane [SUP-6]', async () => {
    await build({ runtime: { closeLimitsMs: { runs: 200 } } })
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: { a: { commands: [stubborn('deaf', 600_000)] }, b: { commands: [forever('good')] } },
    })
    await noted(world, 'deaf')
    await noted(world, 'good')
    await until('both are recorded', () => handle.view().lanes.every(({ commands }) => commands[0]?.state === 'active'))
    const pid = pidIn('deaf')
    const report = await close()
    expect(report.phases[1]?.late).toContainEqual({ what: 'a/deaf', pid })
    expect(report.phases.slice(2).flatMap(({ late }) => late)).toEqual([])
    expect((await handle.finished).lanes.map(({ outcome }) => outcome)).toEqual(['interrupted', 'interrupted'])
    expect(await world.ground()).toEqual(before)
  })

  it('is not held up by a handler that hangs: its lane is named, its command ended [SUP-6]', async () => {
    await build({ decorators: { tree: hanging('lane', 'lane.stop') }, runtime: { closeLimitsMs: { runs: 300, lanes: 200 } } })
    const handle = await world.runtime.start({ lanes: { stuck: { commands: [forever('srv')] } } })
    await noted(world, 'srv')
    await until('it is recorded', () => handle.view().lanes[0]?.commands[0]?.state === 'active')
    const pid = pidIn('srv')
    const report = await close()
    expect(report.phases[1]?.late).toEqual([{ what: 'stuck/srv', pid }])
    expect(report.phases[3]?.late).toContainEqual({ what: 'stuck', pid: null })
    await expect(handle.finished).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' })
    expect(marked(world.runtime.workspaceId)).toEqual([])
  })

  it('in the midst of a storm of restarts leaves nothing [SUP-6]', async () => {
    await build()
    const crash = (name: string) => ({
      name,
      run: `echo x >> "$NOTES/${name}"; exit 1`,
      restart: 'permanent',
      intensity: { restarts: 100_000, withinMs: 1_000 },
      backoff: { minMs: 0, maxMs: 0 },
    })
    await world.runtime.start({
      keep: 'never',
      lanes: { a: { commands: [crash('s1'), crash('s2')] }, b: { commands: [crash('s3')] } },
    })
    for (const name of ['s1', 's2', 's3']) await until(`${name} crashed often`, () => lengthOf(name) > 6)
    expect(lateIn(await close())).toEqual(PHASES.map((phase) => [phase, []]))
    expect(await world.ground()).toEqual(before)
  })

  it('while many runs are being started ends them all [LN-5]', async () => {
    await build()
    const starting = Array.from({ length: 10 }, (_, n) =>
      world.runtime.start({ keep: 'never', lanes: { [`lane-${n}`]: { commands: [lasting(`n-${n}`)] } } }),
    )
    const settled = Promise.allSettled(starting)
    const report = await close()
    expect(report.phases.flatMap(({ late }) => late)).toEqual([])
    for (const outcome of await settled) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ERR_RUNTIME_CLOSED' })
      else expect((await eventsOf(outcome.value)).at(-1)?.type).toBe('run.ended')
    }
    expect(await world.ground()).toEqual(before)
  })

  it('ends in its limits though the store hangs, and says that what records did not stop [SUP-6]', async () => {
    let hangs = false
    const store = aroundStore((inner) => ({
      commit: (commit) => (hangs ? never() : inner.commit(commit)),
      close: () => inner.close().then(never),
    }))
    await build({ decorators: { store }, runtime: { closeLimitsMs: { runs: 300, terminals: 5_000, lanes: 200, infrastructure: 300 } } })
    const handle = await world.runtime.start({ lanes: { a: { commands: [stubborn('deaf', 600_000)] } } })
    await noted(world, 'deaf')
    await until('it is recorded', () => handle.view().lanes[0]?.commands[0]?.state === 'active')
    hangs = true
    const pid = pidIn('deaf')
    const report = await close()
    expect(report.phases[1]?.late).toEqual([{ what: 'a/deaf', pid }])
    expect(report.phases[2]?.late).toEqual([])
    expect(report.phases[4]?.late).toEqual([{ what: 'journal', pid: null }])
    expect(marked(world.runtime.workspaceId)).toEqual([])
    await expect(handle.finished).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' })
  })

  it('that a store brings about which cannot write gives commands their grace and names nothing [SUP-6]', async () => {
    let broken = false
    const store = aroundStore((inner) => ({
      commit: (commit) => (broken ? Promise.reject(new Error('planted')) : inner.commit(commit)),
    }))
    await build({ decorators: { store } })
    const run = `trap 'touch "$NOTES/graceful"; exit 0' TERM; echo $$ > "$NOTES/polite"; while :; do sleep 0.05; done`
    const handle = await world.runtime.start({ lanes: { a: { commands: [{ name: 'polite', run }] } } })
    await noted(world, 'polite')
    await until('it is recorded', () => handle.view().lanes[0]?.commands[0]?.state === 'active')
    broken = true
    handle.stop('the test')
    await expect(within(20_000, 'the run', handle.finished)).rejects.toThrow('planted')
    expect(lateIn(await close())).toEqual(PHASES.map((phase) => [phase, []]))
    await noted(world, 'graceful')
    expect(marked(world.runtime.workspaceId)).toEqual([])
  })

  it('names processes that a host cannot end, and does not wait for them for ever [SUP-6]', async () => {
    let real: TerminalHost | null = null
    const terminals = (inner: TerminalHost): TerminalHost => {
      real = inner
      return { spawn: (spec) => inner.spawn(spec), get: () => undefined, list: () => inner.list(), close: never }
    }
    await build({
      decorators: { terminals, tree: hanging('lane', 'lane.stop') },
      runtime: { closeLimitsMs: { runs: 200, terminals: 200, lanes: 200 } },
    })
    const handle = await world.runtime.start({ lanes: { a: { commands: [forever('srv')] } } })
    await noted(world, 'srv')
    await until('it is recorded', () => handle.view().lanes[0]?.commands[0]?.state === 'active')
    const report = await close()
    expect(report.phases[2]?.phase).toBe('terminals')
    await (real as TerminalHost | null)?.close(0)
    expect(marked(world.runtime.workspaceId)).toEqual([])
  })
})

const lengthOf = (note: string): number => {
  try {
    return readFileSync(join(world.notes, note), 'utf8').length
  } catch {
    return 0
  }
}
