import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { named, type Overflow } from '../../../src/kernel/types.ts'
import { codeOf, probeChild, type ProbeProtocol, root, startSeeded, within } from './seeded-system.ts'

const a = named<ProbeProtocol>('a')
const limit = { timeoutMs: 100_000 }

/** An actor that is at work until `go`, with place for two. */
const busy = async (overflow: Overflow, mailboxLimit = 2) => {
  const seeded = await startSeeded(root([probeChild('a', { limits: { mailboxLimit, overflow } })]))
  const gate = Promise.withResolvers<void>()
  seeded.system.tell(a, 'wait', { until: gate.promise })
  await seeded.world.settle()
  const go = async (): Promise<number> => {
    gate.resolve()
    await seeded.world.settle()
    return within(seeded.world, seeded.system.ask(a, 'get', {}, limit))
  }
  return { ...seeded, go, close: () => within(seeded.world, seeded.system.stop()) }
}

describe('a full mailbox', () => {
  it('reject: takes no more; a tell is a dead letter, an ask only fails [SUP-7]', async () => {
    const { system, letters, go, close } = await busy('reject')
    for (const n of [1, 10, 100]) system.tell(a, 'add', { n })
    expect(await codeOf(system.ask(a, 'get', {}, limit))).toBe('ERR_MAILBOX_FULL')
    expect(letters.map(({ type, message, reason }) => [type, message, reason])).toEqual([['add', { n: 100 }, 'full']])
    expect(system.inspect('a')?.mailbox).toMatchObject({ now: 2, most: 2, limit: 2, dropped: 2 })
    expect(await go()).toBe(11)
    await close()
  })

  it('drop-new: what comes is a dead letter, an ask’s too [SUP-7]', async () => {
    const { system, letters, go, close } = await busy('drop-new')
    for (const n of [1, 10, 100]) system.tell(a, 'add', { n })
    expect(await codeOf(system.ask(a, 'get', {}, limit))).toBe('ERR_MAILBOX_FULL')
    expect(letters.map(({ type, reason }) => [type, reason])).toEqual([
      ['add', 'full'],
      ['get', 'full'],
    ])
    expect(system.inspect('a')?.mailbox.dropped).toBe(2)
    expect(await go()).toBe(11)
    await close()
  })

  it('drop-old: what waited longest is a dead letter, its ask fails, and the new one is handled [SUP-7]', async () => {
    const { system, letters, go, close } = await busy('drop-old')
    const asked = codeOf(system.ask(a, 'get', {}, limit))
    for (const n of [1, 10, 100]) system.tell(a, 'add', { n })
    expect(await asked).toBe('ERR_MAILBOX_FULL')
    expect(letters.map(({ to, type, message, reason }) => [to, type, message, reason])).toEqual([
      ['a$1', 'get', {}, 'full'],
      ['a$1', 'add', { n: 1 }, 'full'],
    ])
    expect(await go()).toBe(110)
    await close()
  })

  it('drop-old without any place takes nothing [SUP-7]', async () => {
    const { system, letters, world } = await startSeeded(root([probeChild('a', { limits: { mailboxLimit: 0, overflow: 'drop-old' } })]))
    system.tell(a, 'add', { n: 1 })
    expect(letters).toMatchObject([{ type: 'add', reason: 'full' }])
    await within(world, system.stop())
  })
})

describe('an ask with a signal', () => {
  it('fails when it is aborted, and a later answer counts for nothing [SUP-7]', async () => {
    const { system, go, close } = await busy('reject')
    const abort = new AbortController()
    const asked = codeOf(system.ask(a, 'get', {}, { ...limit, signal: abort.signal }))
    abort.abort()
    expect(await asked).toBe('ERR_ASK_CANCELLED')
    expect(await go()).toBe(0)
    await close()
  })

  it('that is aborted already is not sent [SUP-7]', async () => {
    const { system, go, close, letters } = await busy('reject')
    expect(await codeOf(system.ask(a, 'get', {}, { ...limit, signal: AbortSignal.abort() }))).toBe('ERR_ASK_CANCELLED')
    expect(system.tree().children[0]?.mailbox.now).toBe(0)
    expect(letters).toEqual([])
    await go()
    await close()
  })

  it('leaves neither timer nor listener behind, however it ends [SUP-7]', async () => {
    const { system, world, go, close } = await busy('reject')
    const { signal } = new AbortController()
    const answered = system.ask(a, 'get', {}, { ...limit, signal })
    const late = codeOf(system.ask(a, 'silent', {}, { timeoutMs: 10, signal }))
    expect(getEventListeners(signal, 'abort')).toHaveLength(2)
    const full = codeOf(system.ask(a, 'get', {}, { ...limit, signal }))
    expect(await full).toBe('ERR_MAILBOX_FULL')
    await world.advance(10)
    expect(await late).toBe('ERR_ASK_TIMEOUT')
    await go()
    expect(await answered).toBe(0)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    const before = world.clock.monotonic()
    // The one timer of all time limits may fire once more, and is not set again.
    expect(await world.step()).toBe(true)
    expect(world.clock.monotonic() - before).toBeLessThanOrEqual(1_000)
    expect(await world.step()).toBe(false)
    await close()
  })
})
