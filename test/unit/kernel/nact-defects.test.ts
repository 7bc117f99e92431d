import { spawnSync } from 'node:child_process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import nact from 'nact'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { nactScheduler } from '../../../src/adapters/schedulers/nact-scheduler.adapter.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { systemRandom } from '../../../src/adapters/system/system-random.adapter.ts'
import type { ChildSpec, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import { named } from '../../../src/kernel/types.ts'
import { startSystem } from '../../../src/supervisors/system.ts'
import type { System } from '../../../src/supervisors/system.types.ts'
import { codeOf, probeChild, type ProbeProtocol, root } from './seeded-system.ts'

/** What nact does and its types do not say. */
type Supervision = Record<'stop' | 'reset' | 'resetAll', symbol>
type Loose = {
  spawn(parent: unknown, handle: (state: unknown, message: never, ctx: never) => unknown, name: string, options?: object): nact.Ref<unknown>
  spawnStateless: Loose['spawn']
  query(ref: unknown, message: (to: { id: number }) => unknown, timeoutMs: number): Promise<unknown>
}
const raw = nact as unknown as Loose
const limit = { timeoutMs: 10_000 }
const a = named<ProbeProtocol>('a')

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await nextTurn()
}
const until = (condition: () => boolean) => vi.waitUntil(condition, { timeout: 10_000, interval: 1 })
const ours = (children: readonly ChildSpec[], strategy: SupervisorSpec['strategy'] = 'one_for_one'): Promise<System> =>
  startSystem({
    scheduler: nactScheduler(),
    clock: systemClock,
    random: systemRandom,
    root: root(children, { strategy, intensity: { restarts: 5, withinMs: 60_000 } }),
  })

/** Each first shows the defect in nact itself, so that it fails when nact changes; then that a system on nact is free of it. */
describe('a system on nact is free of', () => {
  let theirs: nact.ActorSystemRef
  beforeEach(() => void (theirs = nact.start()))
  afterEach(() => nact.stop(theirs))

  it('nact defect 1: a stop that neither reaches the handler at work nor waits for it [SUP-6]', async () => {
    const log: string[] = []
    const gate = Promise.withResolvers<void>()
    const parent = raw.spawn(theirs, () => gate.promise.then(() => log.push('parent done')), 'parent')
    const child = raw.spawn(parent, (_state, text) => log.push(`child ${text as string}`), 'child')
    nact.dispatch(parent, null)
    await turns(2)
    for (const text of ['1', '2', '3']) nact.dispatch(child, text)
    nact.stop(parent)
    await turns(10)
    // The child has handled mail after its parent was stopped, and nobody waited for the handler.
    expect(log).toEqual(['child 1', 'child 2', 'child 3'])
    gate.resolve()
    await until(() => log.includes('parent done'))

    const ended: string[] = []
    const held = Promise.withResolvers<void>()
    const terminate = (name: string) => () => void ended.push(name)
    const inner: ChildSpec = {
      ...root([probeChild('a', { terminate: terminate('a') }), probeChild('b', { terminate: terminate('b') })]),
      name: 's',
    }
    const system = await ours([inner])
    system.tell(a, 'wait', { until: held.promise.then(() => ended.push('a handled')) })
    await turns(5)
    const stopped = system.stop().then(() => ended.push('stopped'))
    await until(() => ended.includes('b'))
    held.resolve()
    await stopped
    expect(ended).toEqual(['b', 'a handled', 'a', 'stopped'])
  })

  it('nact defect 2: an old reference that reaches the next actor of its name [SUP-7]', async () => {
    const got: string[] = []
    const first = raw.spawn(theirs, () => got.push('first'), 'a')
    nact.stop(first)
    raw.spawn(theirs, () => got.push('second'), 'a')
    nact.dispatch(first, null)
    await turns(5)
    expect(got).toEqual(['second'])

    const system = await ours([probeChild('a')])
    const old = system.lookup('a') as unknown as typeof a
    system.tell(a, 'crash', { text: 'x' })
    await until(() => system.lookup('a')?.incarnation === 2)
    system.tell(old, 'add', { n: 1 })
    expect(await system.ask(a, 'get', {}, limit)).toBe(0)
    expect(system.deadLetters().at(-1)).toMatchObject({ to: 'a$1', type: 'add' })
    await system.stop()
  })

  it('nact defect 3: a first message that is lost without a word when the actor stops [SUP-7]', async () => {
    const got: unknown[] = []
    const actor = raw.spawn(theirs, (_state, message) => got.push(message), 'a')
    nact.dispatch(actor, 'first')
    nact.stop(actor)
    await turns(5)
    expect(got).toEqual([])

    const notes: string[] = []
    const system = await ours([probeChild('a', { notes })])
    system.tell(a, '$note', { text: 'first' })
    await system.stop()
    expect(notes.length + system.deadLetters().length).toBe(1)
  })

  it('nact defect 4: two handlers of an actor at once after a reset, and an init that is tried for ever [SUP-2, SUP-4]', async () => {
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, (inside += 1))
      await turns(5)
      inside -= 1
    }
    const busy = raw.spawn(theirs, work, 'busy')
    const onCrash = (_message: unknown, _error: unknown, ctx: Supervision) => ctx.resetAll
    const other = raw.spawn(theirs, () => Promise.reject(new Error('x')), 'other', { onCrash })
    for (let n = 0; n < 3; n += 1) nact.dispatch(busy, n)
    nact.dispatch(other, null)
    await turns(40)
    expect(most).toBeGreaterThan(1)
    let inits = 0
    const initialStateFunc = (): void => {
      if ((inits += 1) < 100) throw new Error('no')
    }
    raw.spawn(theirs, () => null, 'init', { initialStateFunc, onCrash: (_m: unknown, _e: unknown, ctx: Supervision) => ctx.reset })
    await until(() => inits === 100)

    let starts = 0
    most = inside = 0
    const init = (): void => {
      if ((starts += 1) > 1) throw new Error('no')
    }
    const system = await ours([probeChild('a'), probeChild('b'), probeChild('c', { init })], 'one_for_all')
    // Begins when it is handled.
    const working = {
      then: async (done: () => void) => {
        await work()
        done()
      },
    } as unknown as Promise<void>
    for (let n = 0; n < 3; n += 1) system.tell(a, 'wait', { until: working })
    await until(() => most === 1)
    system.tell(named<ProbeProtocol>('b'), 'exit', { reason: 'crashed' })
    for (let n = 0; n < 3; n += 1) system.tell(a, 'wait', { until: working })
    await until(() => system.lookup('a')?.incarnation === 2 || starts > 1)
    expect(most).toBe(1)
    expect(await system.exited).toMatchObject({ reason: 'escalated' })
    // The first start, and as many more as the intensity allows.
    expect(starts).toBe(6)
    await system.stop()
  })

  it('nact defect 5: an end that runs twice, and a failure of it that takes the process down [SUP-8]', async () => {
    let ends = 0
    const options = { onCrash: (_m: unknown, _e: unknown, ctx: Supervision) => ctx.stop, afterStop: () => (ends += 1) }
    const actor = raw.spawn(theirs, () => turns(2).then(() => Promise.reject(new Error('x'))), 'a', options)
    nact.dispatch(actor, null)
    await turns(2)
    nact.stop(actor)
    await until(() => ends === 2)
    const source = `import nact from 'nact'
      const fails = () => { throw new Error('onCrash fails') }
      nact.dispatch(nact.spawn(nact.start(), fails, 'a', { onCrash: fails }), null)`
    const died = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8', timeout: 30_000 })
    expect(died.status).toBe(1)
    expect(died.stderr).toContain('onCrash fails')

    // An unhandled rejection would fail this test.
    let terminated = 0
    const terminate = (): never => {
      terminated += 1
      throw new Error('terminate fails')
    }
    const system = await ours([probeChild('a', { terminate, restart: 'temporary' })])
    system.tell(a, 'crash', { text: 'x' })
    await until(() => terminated > 0)
    await system.stop()
    expect(terminated).toBe(1)
  })

  it('nact defect 6: a limit of more than 24.8 days that is over at once [SUP-7]', async () => {
    const notes: string[] = []
    const days = 25 * 24 * 3_600_000
    const init: NonNullable<Parameters<typeof probeChild>[1]>['init'] = (ctx) => ctx.setTimer('t', days, '$note', { text: 'over' })
    const system = await ours([probeChild('a', { init, notes })])
    let hasStopped = false
    raw.spawn(theirs, () => null, 'a', { shutdownAfter: days, afterStop: () => (hasStopped = true) })
    await until(() => hasStopped)
    expect(await system.ask(a, 'get', {}, { timeoutMs: days })).toBe(0)
    expect(notes).toEqual([])
    await system.stop()
  })

  it('nact defect 7: answers that go astray, and questions to the dead that wait out their time [SUP-7]', async () => {
    const same = vi.spyOn(Math, 'random').mockReturnValue(0.5)
    try {
      const echo = raw.spawn(theirs, (_state, { to, n }: { to: nact.Ref<unknown>; n: number }) => nact.dispatch(to, n), 'echo')
      const asked = [1, 2].map((n) => raw.query(echo, (to) => ({ to, n }), 50))
      const answers = await Promise.allSettled(asked)
      expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(1)

      const system = await ours([probeChild('a')])
      expect(await Promise.all([1, 2].map(() => system.ask(a, 'get', {}, limit)))).toEqual([0, 0])
      const waiting = codeOf(system.ask(a, 'silent', {}, { timeoutMs: 2 ** 40 }))
      system.tell(a, 'crash', { text: 'x' })
      expect(await waiting).toBe('ERR_ACTOR_RESTARTED')
      await system.stop()
    } finally {
      same.mockRestore()
    }
    const silent = raw.spawn(theirs, () => null, 'silent')
    const lost = raw.query(silent, () => null, 50).catch((error: Error) => error.message)
    nact.stop(silent)
    expect(await lost).toBe('Query Timeout')
  })

  it('nact defect 8: crashes that are passed over, mail without a bound, mail to nobody that vanishes [SUP-7, SUP-8]', async () => {
    let handled = 0
    const fails = (): never => {
      handled += 1
      throw new Error('x')
    }
    const stateless = raw.spawnStateless(theirs, fails, 'a', { onCrash: (_m: unknown, _e: unknown, ctx: Supervision) => ctx.stop })
    for (let n = 0; n < 5; n += 1) nact.dispatch(stateless, n)
    await until(() => handled === 5)
    nact.stop(stateless)
    expect(() => nact.dispatch(stateless, null)).not.toThrow()
    const gate = Promise.withResolvers<void>()
    let mail = 0
    const held = raw.spawn(theirs, () => gate.promise.then(() => (mail += 1)), 'held')
    for (let n = 0; n < 20_000; n += 1) nact.dispatch(held, n)
    gate.resolve()
    await until(() => mail === 20_000)

    const system = await ours([probeChild('a', { limits: { mailboxLimit: 10 } })])
    const wait = Promise.withResolvers<void>()
    system.tell(a, 'wait', { until: wait.promise })
    await turns(5)
    for (let n = 0; n < 20; n += 1) system.tell(a, 'add', { n: 1 })
    expect(system.deadLetters()).toHaveLength(10)
    wait.resolve()
    await until(() => system.inspect('a')?.mailbox.now === 0)
    expect(await system.ask(a, 'get', {}, limit)).toBe(10)
    system.tell(named<ProbeProtocol>('nobody'), 'add', { n: 1 })
    expect(system.deadLetters().at(-1)).toMatchObject({ to: 'nobody' })
    system.tell(a, 'crash', { text: 'x' })
    await until(() => system.lookup('a')?.incarnation === 2)
    await system.stop()
  })

  it('nact defect 9: names that are refused [SUP-7]', async () => {
    const names = ['a~b', 'a/b', 'a:b', 'a%b', 'a b', 'ä']
    for (const name of names) expect(() => raw.spawn(theirs, () => null, name), name).toThrow('URI encoded')

    const system = await ours(names.map((name) => probeChild(name)))
    for (const name of names) expect(await system.ask(named<ProbeProtocol>(name), 'get', {}, limit), name).toBe(0)
    await system.stop()
  })
})
