import { describe, expect, it } from 'vitest'
import { named } from '../../../src/kernel/types.ts'
import { codeOf, probeChild, type ProbeProtocol, root, startSeeded, within } from './seeded-system.ts'

const a = named<ProbeProtocol>('a')
const b = named<ProbeProtocol>('b')
const limit = { timeoutMs: 1_000 }

describe('tell and ask', () => {
  it('handles messages of one sender in order, and one at a time, promises included [SUP-2]', async () => {
    const notes: string[] = []
    const { system, world } = await startSeeded(root([probeChild('a', { notes })]))
    const gate = Promise.withResolvers<void>()
    system.tell(a, 'wait', { until: gate.promise })
    for (const text of ['1', '2', '3']) system.tell(a, '$note', { text })
    await world.settle()
    expect(notes).toEqual([])
    gate.resolve()
    await world.settle()
    expect(notes).toEqual(['1', '2', '3'])
    await within(world, system.stop())
  })

  it('answers an ask with the state that all earlier messages made [SUP-7]', async () => {
    const { system, world } = await startSeeded(root([probeChild('a')]))
    for (let n = 1; n <= 100; n += 1) system.tell(a, 'add', { n })
    expect(await within(world, system.ask(a, 'get', {}, limit))).toBe(5_050)
    await within(world, system.stop())
  })

  it('fails an ask that nobody answers when its time is over, not before [SUP-7]', async () => {
    const { system, world } = await startSeeded(root([probeChild('a')]))
    let code: string | null = null
    void codeOf(system.ask(a, 'silent', {}, limit)).then((text) => (code = text))
    await world.advance(999)
    expect(code).toBe(null)
    await world.advance(1)
    expect(code).toBe('ERR_ASK_TIMEOUT')
    await within(world, system.stop())
  })

  it('drops an answer that comes too late: who asked is not told twice, who answers is not harmed [SUP-7]', async () => {
    const { system, world, log, letters } = await startSeeded(root([probeChild('a')]))
    const gate = Promise.withResolvers<void>()
    system.tell(a, 'wait', { until: gate.promise })
    const code = codeOf(system.ask(a, 'get', {}, limit))
    await world.advance(limit.timeoutMs)
    expect(await code).toBe('ERR_ASK_TIMEOUT')
    gate.resolve()
    await world.settle()
    expect(letters).toEqual([])
    expect(log).not.toContain('exited a$1 crashed')
    expect(await within(world, system.ask(a, 'get', {}, limit))).toBe(0)
    await within(world, system.stop())
  })

  it('handles what an init sends itself in its turn, after what came meanwhile and before what comes later [SUP-7]', async () => {
    const notes: string[] = []
    const gate = Promise.withResolvers<void>()
    let starts = 0
    const init: NonNullable<Parameters<typeof probeChild>[1]>['init'] = async (ctx) => {
      if ((starts += 1) === 1) return
      await gate.promise
      ctx.tell(a, '$note', { text: 'its own' })
    }
    const { system, world } = await startSeeded(root([probeChild('a', { init, notes })]))
    system.tell(a, 'crash', { text: 'x' })
    await world.settle()
    system.tell(a, '$note', { text: 'meanwhile' })
    gate.resolve()
    await world.settle()
    system.tell(a, '$note', { text: 'later' })
    await world.settle()
    expect(notes).toEqual(['meanwhile', 'its own', 'later'])
    await within(world, system.stop())
  })

  it('fails an ask of a name that nobody has [SUP-7]', async () => {
    const { system, world } = await startSeeded(root([]))
    expect(await codeOf(system.ask(a, 'get', {}, limit))).toBe('ERR_ACTOR_NOT_FOUND')
    await within(world, system.stop())
  })

  it('lets a reply be kept and given after the handler has returned; only the first counts [SUP-7]', async () => {
    const { system, world } = await startSeeded(root([probeChild('a'), probeChild('b')]))
    const answer = new Promise((resolve) => {
      system.tell(b, 'act', { act: (ctx) => ctx.ask(a, 'get', {}, limit).then(resolve) })
    })
    expect(await within(world, answer)).toBe(0)
    await within(world, system.stop())
  })

  it('fails asks that wait as retryable when the actor is restarted, and as ended when it is not [SUP-7]', async () => {
    const { system, world } = await startSeeded(root([probeChild('a'), probeChild('b', { restart: 'temporary' })]))
    const codes = [a, b].map((target) => codeOf(system.ask(target, 'silent', {}, limit)))
    for (const target of [a, b]) system.tell(target, 'crash', { text: 'oops' })
    const waiting = [a, b].map((target) => codeOf(system.ask(target, 'get', {}, limit)))
    expect(await within(world, Promise.all(codes))).toEqual(['ERR_ACTOR_RESTARTED', 'ERR_ACTOR_STOPPED'])
    expect(await within(world, Promise.all(waiting))).toEqual(['ERR_ACTOR_RESTARTED', 'ERR_ACTOR_STOPPED'])
    await within(world, system.stop())
  })

  it('tells who asked that the handler failed [SUP-7]', async () => {
    const { system, world } = await startSeeded(root([probeChild('a')]))
    const failing = named<{ crash: { message: { text: string }; reply: never } }>('a')
    expect(await within(world, codeOf(system.ask(failing, 'crash', { text: 'oops' }, limit)))).toBe('ERR_ACTOR_HANDLER_FAILED')
    await within(world, system.stop())
  })

  it('treats a message that it has no handler for as a crash, also one named as a method of all objects [SUP-7]', async () => {
    const { system, world, letters } = await startSeeded(root([probeChild('a')]))
    system.tell(named<{ toString: { message: object } }>('a'), 'toString', {})
    await world.settle()
    expect(letters).toMatchObject([{ type: 'toString', reason: 'poison' }])
    await within(world, system.stop())
  })
})

describe('references', () => {
  it('mean one incarnation: a message to an ended one never reaches the next [SUP-7]', async () => {
    const { system, world, letters } = await startSeeded(root([probeChild('a')]))
    const first = system.lookup<ProbeProtocol>('a')!
    system.tell(first, 'crash', { text: 'oops' })
    await world.settle()
    const second = system.lookup<ProbeProtocol>('a')!
    expect([first.id, second.id]).toEqual(['a$1', 'a$2'])
    system.tell(first, 'add', { n: 1 })
    expect(await within(world, system.ask(second, 'get', {}, limit))).toBe(0)
    expect(letters.at(-1)).toMatchObject({ to: 'a$1', type: 'add', reason: 'restarted' })
    expect(await codeOf(system.ask(first, 'get', {}, limit))).toBe('ERR_ACTOR_RESTARTED')
    await within(world, system.stop())
  })

  it('by name mean whoever has the name now [SUP-7]', async () => {
    const { system, world } = await startSeeded(root([probeChild('a')]))
    system.tell(a, 'add', { n: 1 })
    system.tell(a, 'crash', { text: 'oops' })
    await world.settle()
    system.tell(a, 'add', { n: 5 })
    expect(await within(world, system.ask(a, 'get', {}, limit))).toBe(5)
    await within(world, system.stop())
  })
})

describe('mailbox', () => {
  it('holds so many user messages; one more is a dead letter or fails its ask [SUP-7]', async () => {
    const { system, world, letters } = await startSeeded(root([probeChild('a')]))
    const gate = Promise.withResolvers<void>()
    system.tell(a, 'wait', { until: gate.promise })
    await world.settle()
    for (let n = 0; n < 10_000; n += 1) system.tell(a, 'add', { n: 1 })
    expect(letters).toEqual([])
    expect(system.tree().children[0]?.mailbox).toEqual({ now: 10_000, max: 10_000 })
    system.tell(a, 'add', { n: 1 })
    expect(letters).toMatchObject([{ to: 'a', type: 'add', reason: 'full' }])
    expect(await codeOf(system.ask(a, 'get', {}, limit))).toBe('ERR_MAILBOX_FULL')
    gate.resolve()
    await world.settle()
    expect(await within(world, system.ask(a, 'get', {}, limit))).toBe(10_000)
    await within(world, system.stop())
  })

  it('takes system mail first, also into a full mailbox [SUP-7]', async () => {
    const notes: string[] = []
    const { system, world } = await startSeeded(root([probeChild('a', { notes, limits: { mailboxLimit: 2 } })]))
    const gate = Promise.withResolvers<void>()
    system.tell(a, 'act', { act: (ctx) => ctx.setTimer('t', 5, '$note', { text: 'timer' }) })
    system.tell(a, 'wait', { until: gate.promise })
    await world.settle()
    system.tell(a, '$note', { text: 'user' })
    system.tell(a, '$note', { text: 'user' })
    await world.advance(5)
    gate.resolve()
    await world.settle()
    expect(notes).toEqual(['timer', 'user', 'user'])
    await within(world, system.stop())
  })

  it('is empty after a restart: what waited becomes dead letters [SUP-7]', async () => {
    const { system, world, letters } = await startSeeded(root([probeChild('a')]))
    system.tell(a, 'crash', { text: 'oops' })
    for (const n of [1, 2]) system.tell(a, 'add', { n })
    await world.settle()
    expect(letters.map(({ type, reason }) => `${type} ${reason}`)).toEqual(['crash poison', 'add restarted', 'add restarted'])
    expect(await within(world, system.ask(a, 'get', {}, limit))).toBe(0)
    await within(world, system.stop())
  })
})

describe('dead letters', () => {
  it('keep the poison message with the stack of its failure [SUP-7]', async () => {
    const { system, world } = await startSeeded(root([probeChild('a')]))
    system.tell(a, 'crash', { text: 'oops' })
    await world.settle()
    const [letter] = system.deadLetters()
    expect(letter).toMatchObject({ to: 'a$1', from: null, type: 'crash', message: { text: 'oops' }, reason: 'poison' })
    expect(letter?.stack).toContain('Error: oops')
    await within(world, system.stop())
  })

  it('are the last 256, oldest first [SUP-7]', async () => {
    const { system, world } = await startSeeded(root([]))
    for (let n = 0; n < 300; n += 1) system.tell(a, 'add', { n })
    const kept = system.deadLetters().map(({ message }) => (message as { n: number }).n)
    expect(kept).toEqual(Array.from({ length: 256 }, (_, index) => index + 44))
    await within(world, system.stop())
  })
})
