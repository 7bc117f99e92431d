import { describe, expect, it } from 'vitest'
import { type ActorContext, type Exit, named } from '../../../src/kernel/types.ts'
import { codeOf, probeChild, type ProbeProtocol, root, startSeeded, within } from './seeded-system.ts'

type Ctx = ActorContext<ProbeProtocol>
const a = named<ProbeProtocol>('a')
const b = named<ProbeProtocol>('b')
const limit = { timeoutMs: 1_000 }
const never = new Promise<never>(() => {})

describe('watch', () => {
  const watching = (notes: string[]) => (ctx: Ctx) => {
    const target = ctx.lookup<ProbeProtocol>('a')
    return target && ctx.watch(target, ['$note', ({ reason }) => ({ text: reason })]) && notes
  }

  it('gives exactly one exit message [SUP-7]', async () => {
    const notes: string[] = []
    const { system, world } = await startSeeded(root([probeChild('a'), probeChild('b', { notes })]))
    system.tell(b, 'act', { act: watching(notes) })
    await world.settle()
    system.tell(a, 'crash', { text: 'oops' })
    await world.settle()
    system.tell(a, 'exit', { reason: 'normal' })
    await world.settle()
    expect(notes).toEqual(['crashed'])
    await within(world, system.stop())
  })

  it('of an actor that has ended gives its recorded exit at once [SUP-7]', async () => {
    const exits: Exit[] = []
    const { system, world } = await startSeeded(root([probeChild('a'), probeChild('b')]))
    const first = system.lookup<ProbeProtocol>('a')!
    system.tell(a, 'crash', { text: 'oops' })
    await world.settle()
    const watch = (target: typeof first) => (ctx: Ctx) => ctx.watch(target, ['$note', (exit) => (exits.push(exit), { text: '' })])
    system.tell(b, 'act', { act: watch(first) })
    system.tell(b, 'act', { act: watch({ name: 'nobody', incarnation: 1, id: 'nobody$1' }) })
    await world.settle()
    expect(exits).toMatchObject([{ reason: 'crashed', error: { message: 'oops' } }, { error: { code: 'ERR_ACTOR_NOT_FOUND' } }])
    await within(world, system.stop())
  })

  it('that was ended gives none, though the exit waits in the mailbox already [SUP-7]', async () => {
    const notes: string[] = []
    const { system, world } = await startSeeded(root([probeChild('a'), probeChild('b', { notes })]))
    const gate = Promise.withResolvers<void>()
    let unwatch = (): void => {}
    system.tell(b, 'act', { act: (ctx) => (unwatch = ctx.watch(ctx.lookup<ProbeProtocol>('a')!, ['$note', () => ({ text: 'exit' })])) })
    system.tell(b, 'wait', { until: gate.promise })
    await world.settle()
    system.tell(a, 'crash', { text: 'oops' })
    await world.settle()
    unwatch()
    gate.resolve()
    await world.settle()
    expect(notes).toEqual([])
    await within(world, system.stop())
  })
})

describe('timers', () => {
  it('of one name replace each other; a cancelled one sends nothing, though it has fired [SUP-7]', async () => {
    const notes: string[] = []
    const { system, world } = await startSeeded(root([probeChild('a', { notes })]))
    const gate = Promise.withResolvers<void>()
    let ctx: Ctx | null = null
    system.tell(a, 'act', {
      act: (own) => {
        ctx = own
        own.setTimer('t', 5, '$note', { text: 'replaced' })
        own.setTimer('t', 10, '$note', { text: 'second' })
        own.setTimer('u', 10, '$note', { text: 'cancelled' })
      },
    })
    await world.advance(9)
    expect(notes).toEqual([])
    system.tell(a, 'wait', { until: gate.promise })
    await world.advance(1)
    ctx!.cancelTimer('u')
    gate.resolve()
    await world.settle()
    expect(notes).toEqual(['second'])
    await within(world, system.stop())
  })

  it('end with their incarnation [SUP-7]', async () => {
    const notes: string[] = []
    const { system, world } = await startSeeded(root([probeChild('a', { notes })]))
    system.tell(a, 'act', { act: (ctx) => ctx.setTimer('t', 5, '$note', { text: 'late' }) })
    system.tell(a, 'crash', { text: 'oops' })
    await world.advance(10)
    expect(notes).toEqual([])
    await within(world, system.stop())
  })
})

describe('run', () => {
  const run = (effect: (signal: AbortSignal) => unknown) => (ctx: Ctx) =>
    ctx.run(effect, {
      done: ['$note', (value) => ({ text: `done ${String(value)}` })],
      failed: ['$note', (error) => ({ text: String(error) })],
    })

  it('brings the outcome back as a message, whether the effect waits, returns or throws [SUP-7]', async () => {
    const notes: string[] = []
    const { system, world } = await startSeeded(root([probeChild('a', { notes })]))
    system.tell(a, 'act', { act: run(async () => 1) })
    system.tell(a, 'act', { act: run(() => 2) })
    system.tell(a, 'act', { act: run(() => Promise.reject(new Error('no'))) })
    system.tell(a, 'act', {
      act: run(() => {
        throw new Error('never')
      }),
    })
    await world.settle()
    expect(notes.toSorted()).toEqual(['Error: never', 'Error: no', 'done 1', 'done 2'])
    await within(world, system.stop())
  })

  it('is aborted when the actor ends, and a later outcome is dropped [SUP-7]', async () => {
    const notes: string[] = []
    const { system, world } = await startSeeded(root([probeChild('a', { notes })]))
    const gate = Promise.withResolvers<string>()
    let aborted = false
    system.tell(a, 'act', { act: run((signal) => (signal.addEventListener('abort', () => (aborted = true)), gate.promise)) })
    system.tell(a, 'crash', { text: 'oops' })
    await world.settle()
    expect(aborted).toBe(true)
    gate.resolve('late')
    await world.settle()
    expect(notes).toEqual([])
    await within(world, system.stop())
  })

  it('whose outcome cannot be mapped is the crash of its actor, not of the process [SUP-8]', async () => {
    const { system, world, log } = await startSeeded(root([probeChild('a')]))
    system.tell(a, 'act', {
      act: (ctx) =>
        ctx.run(() => 1, {
          done: [
            '$note',
            () => {
              throw new Error('map')
            },
          ],
          failed: ['$note', () => ({ text: '' })],
        }),
    })
    await world.settle()
    expect(log).toContain('exited a$1 crashed')
    await within(world, system.stop())
  })
})

describe('fencing', () => {
  it('of a handler beyond its limit: exit timeout, its later acts refused, the next incarnation runs [SUP-2]', async () => {
    const notes: string[] = []
    const { system, world, log, letters } = await startSeeded(
      root([probeChild('a', { limits: { handlerLimitMs: 50 } }), probeChild('b', { notes })]),
    )
    let ctx: Ctx | null = null
    const gate = Promise.withResolvers<void>()
    system.tell(a, 'act', { act: (own) => (ctx = own) })
    system.tell(a, 'wait', { until: gate.promise })
    await world.advance(49)
    expect(log.at(-1)).toBe('started root$1')
    await world.advance(1)
    expect(log.slice(-2)).toEqual(['exited a$1 timeout', 'started a$2'])
    expect(ctx!.signal.aborted).toBe(true)
    const refused = [
      () => ctx!.tell(b, '$note', { text: 'from the dead' }),
      () => ctx!.setTimer('t', 1, '$note', { text: '' }),
      () => ctx!.run(() => 1, { done: ['$note', () => ({ text: '' })], failed: ['$note', () => ({ text: '' })] }),
      () => ctx!.ask(b, 'get', {}, limit),
      () => ctx!.exit('normal'),
      () => ctx!.now(),
      () => ctx!.lookup('b'),
    ]
    for (const act of refused) expect(act).toThrow(expect.objectContaining({ code: 'ERR_ACTOR_FENCED' }))
    gate.resolve()
    await world.settle()
    expect(notes).toEqual([])
    expect(letters.filter(({ reason }) => reason === 'fenced')).toMatchObject([{ from: 'a$1', to: 'b' }])
    expect(await within(world, system.ask(a, 'get', {}, limit))).toBe(0)
    await within(world, system.stop())
  })

  it('of an init beyond its limit: the start fails [SUP-2]', async () => {
    const spec = root([probeChild('a', { init: () => never, limits: { initLimitMs: 40 } })])
    expect(await codeOf(startSeeded(spec))).toBe('ERR_ACTOR_INIT_FAILED')
  })

  it('fails what the given-up incarnation had asked for [SUP-2]', async () => {
    const { system, world } = await startSeeded(root([probeChild('a', { limits: { handlerLimitMs: 50 } }), probeChild('b')]))
    let code = ''
    const act = (ctx: Ctx): void => void codeOf(ctx.ask(b, 'silent', {}, { timeoutMs: 60_000 })).then((text) => (code = text))
    system.tell(a, 'act', { act })
    system.tell(a, 'wait', { until: never })
    await world.advance(50)
    expect(code).toBe('ERR_ACTOR_FENCED')
    await within(world, system.stop())
  })
})

describe('exit and terminate', () => {
  it('runs terminate once, with the last good state and the reason, after a crash too [SUP-6]', async () => {
    const exits: string[] = []
    const terminate = (exit: Exit): void => void exits.push(exit.reason)
    const { system, world } = await startSeeded(root([probeChild('a', { terminate })], { intensity: { restarts: 9, withinMs: 1 } }))
    system.tell(a, 'crash', { text: 'oops' })
    await world.settle()
    system.tell(a, 'exit', { reason: 'normal' })
    system.tell(a, 'exit', { reason: 'crashed' })
    await world.settle()
    await within(world, system.stop('handover'))
    expect(exits).toEqual(['crashed', 'normal', 'handover'])
  })

  it('runs no terminate for an init that failed [SUP-6]', async () => {
    let terminated = false
    const init = (): never => {
      throw new Error('init')
    }
    expect(await codeOf(startSeeded(root([probeChild('a', { init, terminate: () => void (terminated = true) })])))).toBe(
      'ERR_ACTOR_INIT_FAILED',
    )
    expect(terminated).toBe(false)
  })

  it('gives terminate its shutdown time and no more [SUP-6]', async () => {
    const { system, world, log } = await startSeeded(
      root([
        probeChild('a', { terminate: () => never, shutdown: 300 }),
        probeChild('b', { terminate: () => never, restart: 'temporary', shutdown: 200 }),
      ]),
    )
    system.tell(b, 'crash', { text: 'oops' })
    await world.advance(199)
    expect(log.at(-1)).toBe('started root$1')
    await world.advance(1)
    expect(log.at(-1)).toBe('exited b$1 crashed')
    const stopped = system.stop()
    await world.advance(299)
    expect(log.at(-1)).toBe('exited b$1 crashed')
    await world.advance(1)
    await stopped
    expect(log.slice(-2)).toEqual(['exited a$1 killed', 'exited root$1 shutdown'])
  })

  it('counts a stop’s time from when it was asked for, the present handler included [SUP-6]', async () => {
    let terminated = false
    const { system, world, log } = await startSeeded(root([probeChild('a', { terminate: () => void (terminated = true), shutdown: 300 })]))
    system.tell(a, 'wait', { until: never })
    await world.settle()
    const stopped = system.stop()
    await world.advance(300)
    await stopped
    expect(log).toContain('exited a$1 killed')
    expect(terminated).toBe(false)
  })

  it('kills at once where the shutdown is brutal, without terminate [SUP-6]', async () => {
    let terminated = false
    const { system, world, log } = await startSeeded(
      root([probeChild('a', { terminate: () => void (terminated = true), shutdown: 'brutal' })]),
    )
    await within(world, system.stop())
    expect(log.slice(-2)).toEqual(['exited a$1 killed', 'exited root$1 shutdown'])
    expect(terminated).toBe(false)
  })

  it('that fails in terminate after a clean stop is a crash; after a crash the first error stays [SUP-6]', async () => {
    const terminate = (): never => {
      throw new Error('terminate')
    }
    const { system, world, decisions, log } = await startSeeded(
      root([probeChild('a', { terminate })], { intensity: { restarts: 9, withinMs: 1 } }),
    )
    system.tell(a, 'exit', { reason: 'normal' })
    await world.settle()
    system.tell(a, 'crash', { text: 'oops' })
    await world.settle()
    expect(decisions.map(({ exit }) => exit)).toMatchObject([
      { reason: 'crashed', error: { message: 'terminate' } },
      { reason: 'crashed', error: { message: 'oops' } },
    ])
    await within(world, system.stop())
    expect(log.at(-1)).toBe('exited root$1 shutdown')
  })

  it('leaves no timer behind [SUP-6]', async () => {
    const { system, world } = await startSeeded(root([probeChild('a')]))
    void system.ask(a, 'silent', {}, limit)
    system.tell(a, 'act', { act: (ctx) => ctx.setTimer('t', 5_000, '$note', { text: '' }) })
    await within(world, system.stop())
    expect(await world.step()).toBe(false)
  })
})
