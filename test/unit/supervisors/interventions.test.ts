import { describe, expect, it } from 'vitest'
import { named } from '../../../src/kernel/types.ts'
import { codeOf, probe, probeChild, type ProbeProtocol, root, startSeeded, within } from '../kernel/seeded-system.ts'

const at = (name: string) => named<ProbeProtocol>(name)
const under = (name: string, children: Parameters<typeof root>[0]) => ({ ...root(children), name })
const limit = { timeoutMs: 1_000 }

describe('interventions', () => {
  it('terminate, restart and kill: anywhere in the tree, not counted as restarts but for the kill [SUP-1]', async () => {
    const { system, world, log } = await startSeeded(root([under('s', [probeChild('a')])]))
    await within(world, system.terminate('a', limit))
    expect(system.inspect('a')).toMatchObject({ state: 'ended', incarnation: 1 })
    expect(system.kill('a')).toBe(false)
    expect([system.suspend('a'), system.resume('a')]).toEqual([false, false])
    await within(world, system.restart('a', limit))
    await within(world, system.restart('s', limit))
    expect(system.inspect('s')?.childWindow?.used).toBe(0)
    expect(system.kill('a')).toBe(true)
    await world.settle()
    expect(log).toEqual([
      'started a$1',
      'started s$1',
      'started root$1',
      'exited a$1 shutdown',
      'started a$2',
      'exited a$2 shutdown',
      'exited s$1 shutdown',
      'started a$3',
      'started s$2',
      'exited a$3 killed',
      'started a$4',
    ])
    expect(system.inspect('s')?.childWindow?.used).toBe(1)
    for (const name of ['root', 'nobody']) {
      expect(() => system.kill(name)).toThrow(`"root" has no child "${name}"`)
      expect(await codeOf(system.restart(name, limit))).toBe('ERR_SUPERVISOR_CHILD_NOT_FOUND')
    }
    await within(world, system.stop())
  })

  it('a supervisor that is suspended restarts nothing, takes its commands later, and stops its children all the same', async () => {
    const { system, world, log } = await startSeeded(root([under('s', [probeChild('a')])]))
    system.suspend('s')
    system.tell(at('a'), 'crash', { text: 'x' })
    await world.settle()
    expect(system.inspect('a')).toMatchObject({ state: 'ended' })
    expect(system.tree().children[0]?.state).toBe('suspended')
    expect(await codeOf(system.restart('a', limit))).toBe('ERR_ACTOR_SUSPENDED')
    system.resume('s')
    await world.settle()
    expect(system.inspect('a')).toMatchObject({ state: 'running', incarnation: 2 })
    system.suspend('s')
    system.suspend('a')
    await within(world, system.stop())
    expect(log.slice(-3)).toEqual(['exited a$2 shutdown', 'exited s$1 shutdown', 'exited root$1 shutdown'])
  })

  it('an actor is suspended from the end of its present handler on; its mailbox still has its limit [SUP-3]', async () => {
    const { system, world, letters } = await startSeeded(root([probeChild('a', { limits: { mailboxLimit: 2 } })]))
    const { promise, resolve } = Promise.withResolvers<void>()
    system.tell(at('a'), 'wait', { until: promise })
    await world.settle()
    system.suspend('a')
    for (const n of [1, 2, 3]) system.tell(at('a'), 'add', { n })
    resolve()
    await world.settle()
    expect(system.inspect('a')).toMatchObject({ state: 'suspended', handling: null, mailbox: { now: 2, dropped: 1 } })
    expect(letters).toMatchObject([{ number: 1, reason: 'full', message: { n: 3 } }])
    system.resume('a')
    await world.settle()
    expect(await within(world, system.ask(at('a'), 'get', {}, limit))).toBe(3)
    await within(world, system.stop())
  })

  it('retry: a dead letter once more, to whoever has the name; a new one where it is not taken again', async () => {
    const { system, world, letters } = await startSeeded(root([probeChild('a')]))
    system.tell(at('a'), 'crash', { text: 'x' })
    system.tell(at('a'), 'add', { n: 7 })
    system.tell(at('nobody'), 'add', { n: 1 })
    system.tell(at('a'), 'act', { act: (ctx) => ctx.setTimer('t', 1, '$note', { text: 'x' }) })
    await world.settle()
    expect(system.deadLetters().map(({ number, type, reason }) => [number, type, reason])).toEqual([
      [1, 'add', 'not-found'],
      [2, 'crash', 'poison'],
      [3, 'add', 'restarted'],
      [4, 'act', 'restarted'],
    ])
    expect(system.retry(3)).toEqual({ name: 'a', incarnation: 2, id: 'a$2' })
    expect(await within(world, system.ask(at('a'), 'get', {}, limit))).toBe(7)
    expect(() => system.retry(3)).toThrow('it was sent again')
    expect(() => system.retry(99)).toThrow('no dead letter 99')
    expect(() => system.retry(1)).toThrow('nobody has the name of nobody')
    system.retry(2)
    await world.settle()
    expect(system.deadLetters().map(({ number, type }) => [number, type])).toEqual([
      [1, 'add'],
      [4, 'act'],
      [5, 'crash'],
    ])
    expect(letters.at(-1)).toMatchObject({ number: 5, to: 'a$2', reason: 'poison' })
    await within(world, system.stop())
  })

  it('retry: what an actor said to itself is not said to another incarnation', async () => {
    const notes = { $note: () => Promise.reject(new Error('no')) }
    const { system, world } = await startSeeded(root([probeChild('a', { limits: { on: { ...probe().on, ...notes } } })]))
    system.tell(at('a'), 'act', { act: (ctx) => ctx.setTimer('t', 1, '$note', { text: 'x' }) })
    await world.advance(1)
    const [letter] = system.deadLetters()
    expect(letter).toMatchObject({ type: '$note', reason: 'poison' })
    expect(() => system.retry(letter?.number ?? 0)).toThrow('said "$note" to itself')
    await within(world, system.stop())
  })
})
