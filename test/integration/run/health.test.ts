import { afterEach, describe, expect, it } from 'vitest'
import type { BusEvent } from '../../../src/protocols/bus.ts'
import type { TerminalId } from '../../../src/protocols/ids.ts'
import type { RunHandle } from '../../../src/runtime/run-handle.ts'
import { createSaboteur } from './crash-kit.ts'
import { makeWorld, until as untilWithin, within, type World, type WorldOptions } from './run-kit.ts'

/** Most needs two looks, which on a busy machine are up to 10 s apart. */
const until = (what: string, holds: () => boolean): Promise<void> => untilWithin(what, holds, 60_000)

const worlds: World[] = []
const makeOne = async (options: WorldOptions = {}): Promise<World> => {
  const made = await makeWorld(options)
  worlds.push(made)
  return made
}
afterEach(async () => {
  for (const each of worlds.splice(0)) await each.end()
})

/** Listens to health too, so that looks are frequent. */
const listen = ({ runtime }: World): BusEvent[] => {
  const events: BusEvent[] = []
  runtime.bus.subscribe({ topics: ['pty.*'] }, { next: (event) => void events.push(event), gap: () => undefined })
  return events
}
const statesOf = (events: readonly BusEvent[]): unknown[] =>
  events.filter(({ topic }) => topic === 'pty.state-changed').map(({ payload }) => payload['to'])
const of = (events: readonly BusEvent[], topic: string): readonly BusEvent[] => events.filter((event) => event.topic === topic)
const startOf = ({ runtime }: World, ...commands: readonly object[]): Promise<RunHandle> => runtime.start({ lanes: { a: { commands } } })
const stop = async (run: RunHandle): Promise<void> => {
  run.stop('the test')
  await within(60_000, 'the end of the run', run.finished)
}

describe('terminals that become idle', () => {
  it('are throttled with an alert, active again with the first sign of life, and never ended for it [PTY-10]', async () => {
    const world = await makeOne()
    const events = listen(world)
    const run = await startOf(world, { name: 'asks', run: 'echo name?; read name; echo $name; exec sleep 3600', idleAfterMs: 1 })
    await until('it is idle', () => statesOf(events).includes('throttled'))
    expect(of(events, 'pty.idled')).toMatchObject([
      {
        payload: {
          lane: 'a',
          command: 'asks',
          attempt: 1,
          idleAfterMs: 1,
          condition: 'waiting-for-input',
          evidence: expect.stringMatching(/^sh \(\d+\) is blocked in a read of its terminal$/),
          processes: 1,
        },
      },
    ])
    const [terminal] = await world.runtime.terminals.list()
    expect(terminal).toMatchObject({ state: 'throttled', pid: expect.any(Number) })
    await (await world.runtime.terminals.pty(terminal?.id as TerminalId)).write(Buffer.from('Ada\r'))
    await until('it is active again', () => statesOf(events).filter((state) => state === 'active').length === 2)
    expect(of(events, 'pty.state-changed').at(-1)?.payload).toMatchObject({ event: 'activity', cause: expect.stringContaining('output') })
    await until('it is idle once more', () => of(events, 'pty.idled').length === 2)
    expect(of(events, 'pty.exited')).toEqual([])
    await stop(run)
    expect(statesOf(events).at(-1)).toBe('stopped')
  }, 180_000)

  it('are told of while a process below them computes, and without an alert when a shell waits at its prompt [PTY-10]', async () => {
    const world = await makeOne()
    const events = listen(world)
    const run = await startOf(
      world,
      { name: 'shell', run: ['sh', '-i'], restart: 'permanent', idleAfterMs: 1 },
      { name: 'works', run: '(while :; do :; done) & wait', idleAfterMs: 1 },
    )
    const told = (command: string) => events.filter(({ payload }) => payload['command'] === command)
    await until('the shell is throttled', () => statesOf(told('shell')).includes('throttled'))
    await until('the other was looked at', () =>
      of(told('works'), 'pty.health').some(({ payload }) => payload['condition'] === 'busy' && (payload['cpuPercent'] as number) > 5),
    )
    expect(of(told('works'), 'pty.health').at(-1)?.payload).toMatchObject({ processes: 2, alive: true, responsive: true })
    expect(of(events, 'pty.idled')).toEqual([])
    expect(statesOf(told('works'))).toEqual(['spawning', 'active'])
    await stop(run)
  }, 180_000)

  it('are told of once, though their actor crashes meanwhile [PTY-10]', async () => {
    const saboteur = createSaboteur()
    const world = await makeOne({ decorators: { tree: saboteur.tree } })
    const events = listen(world)
    const run = await startOf(world, { name: 'sleeps', run: 'exec sleep 3600', idleAfterMs: 1, restart: 'transient' })
    await until('it is idle', () => statesOf(events).includes('throttled'))
    saboteur.crash('pty')
    await until('its actor is back', () => saboteur.started('pty').length === 2)
    const [terminal] = await world.runtime.terminals.list()
    expect(terminal).toMatchObject({ state: 'throttled' })
    await stop(run)
    expect(of(events, 'pty.idled')).toHaveLength(1)
  }, 180_000)
})
