import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { directScheduler } from '../../src/adapters/schedulers/direct-scheduler.adapter.ts'
import { nactScheduler } from '../../src/adapters/schedulers/nact-scheduler.adapter.ts'
import { SeededScheduler } from '../../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type { Scheduler } from '../../src/ports/scheduler.port.ts'
import { conformance } from '../../src/testing/conformance.ts'
import { schedulerChecks } from '../../src/testing/scheduler-checks.ts'

const schedulers: readonly { readonly name: string; readonly make: () => Scheduler }[] = [
  { name: 'nact', make: nactScheduler },
  { name: 'direct', make: directScheduler },
  { name: 'seeded', make: () => new SeededScheduler(7) },
]

/** The scheduler with one of its abilities taken away. */
const broken = {
  'wake does nothing': (scheduler: Scheduler): Scheduler => ({
    ...base(scheduler),
    attach: (runnable) => ({ ...slotOf(scheduler, runnable), wake: () => {} }),
  }),
  'release does nothing': (scheduler: Scheduler): Scheduler => ({
    ...base(scheduler),
    attach: (runnable) => ({ ...slotOf(scheduler, runnable), release: () => {} }),
  }),
  'mail that is left is forgotten': (scheduler: Scheduler): Scheduler => ({
    ...base(scheduler),
    attach: (runnable) => scheduler.attach({ id: runnable.id, drain: async (budget) => (await runnable.drain(budget), false) }),
  }),
  'one is left waiting while others run': (scheduler: Scheduler): Scheduler => {
    let turns = 0
    return {
      ...base(scheduler),
      attach: (runnable) => {
        const counted = { id: runnable.id, drain: (budget: number) => ((turns += 1), runnable.drain(budget)) }
        const slot = slotOf(scheduler, runnable.id === 'patient$1' ? runnable : counted)
        const from = turns
        const later = (): void => void (turns - from > 2_000 ? slot.wake() : setImmediate(later))
        return runnable.id === 'patient$1' ? { ...slot, wake: later } : slot
      },
    }
  },
  'an actor is drained twice at once': (scheduler: Scheduler): Scheduler => ({
    ...base(scheduler),
    attach: (runnable) => {
      let isReleased = false
      const twice = (budget: number): Promise<boolean> | boolean => {
        const more = runnable.drain(budget)
        if (typeof more === 'boolean') return more
        setImmediate(() => !isReleased && void runnable.drain(budget))
        return more
      }
      const slot = slotOf(scheduler, { id: runnable.id, drain: twice })
      return { ...slot, release: () => ((isReleased = true), slot.release()) }
    },
  }),
  'a wake during a drain is forgotten': (scheduler: Scheduler): Scheduler => ({
    ...base(scheduler),
    attach: (runnable) => {
      let isRunning = false
      const drain = async (budget: number): Promise<boolean> => {
        isRunning = true
        const more = await runnable.drain(budget)
        isRunning = false
        return more
      }
      const slot = slotOf(scheduler, { id: runnable.id, drain })
      return { ...slot, wake: () => void (isRunning || slot.wake()) }
    },
  }),
  'wake drains at once': (scheduler: Scheduler): Scheduler => ({
    ...base(scheduler),
    attach: (runnable) => ({ ...slotOf(scheduler, runnable), wake: () => void runnable.drain(16) }),
  }),
}
/** The checks that are meant for it. */
const caughtBy: Readonly<Record<keyof typeof broken, readonly string[]>> = {
  'wake does nothing': ['drains an actor that was woken, and no other', 'runs 300 actors that were woken at once'],
  'release does nothing': [
    'begins no drain after release, though a wake was under way',
    'takes a release in the middle of a drain, and the same name again',
  ],
  'mail that is left is forgotten': ['calls again until no mail is left, with a budget from 1 to 16'],
  'one is left waiting while others run': [
    'keeps nobody waiting for more than 256 turns of each other actor, while the others never run out of mail',
  ],
  'an actor is drained twice at once': ['never drains an actor twice at a time'],
  'a wake during a drain is forgotten': ['does not lose a wake that comes during a drain'],
  'wake drains at once': ['does not drain inside of wake'],
}
const base = (scheduler: Scheduler) => ({ name: scheduler.name, close: () => scheduler.close() })
const slotOf = (scheduler: Scheduler, runnable: Parameters<Scheduler['attach']>[0]) => {
  const slot = scheduler.attach(runnable)
  return { wake: () => slot.wake(), release: () => slot.release() }
}

describe.each(schedulers)('scheduler $name', ({ make }) => {
  it.each(schedulerChecks)('$title [SUP-2]', async ({ check }) => {
    const scheduler = make()
    await check(scheduler)
    await scheduler.close()
  })

  it('keeps an actor waiting for one turn of each other at most; a seeded one by chance for longer, but not for 256 [SUP-2]', async () => {
    const COUNT = 40
    const scheduler = make()
    const most = scheduler.name === 'seeded' ? 256 * COUNT : COUNT - 1
    const waits: number[] = []
    let turns = 0
    const slots = Array.from({ length: COUNT }, (_, index) => {
      let since = 0
      const drain = (): boolean => {
        waits.push(turns - since)
        turns += 1
        since = turns
        // A third never runs out of mail; the others have a little each.
        return turns < 10_000 && (index % 3 === 0 || turns % 7 > 0)
      }
      return scheduler.attach({ id: `a${index}$1`, drain })
    })
    for (const slot of slots) slot.wake()
    while (turns < 10_000) await nextTurn()
    for (let turn = 0; turn < 100; turn += 1) await nextTurn()
    expect(Math.max(...waits)).toBeLessThanOrEqual(most)
    await scheduler.close()
  })

  it('is found conformant as a whole [SUP-2]', async () => expect(await conformance(make)).toEqual({ ok: true, problems: [] }))

  it.each(Object.keys(broken) as (keyof typeof broken)[])(
    'conformance fails by the check that is meant for it when %s [SUP-2]',
    async (name) => {
      const { ok, problems } = await conformance(() => broken[name](make()))
      expect(ok).toBe(false)
      for (const title of caughtBy[name]) expect(problems.map((problem) => problem.slice(0, title.length + 1))).toContain(`${title}:`)
    },
  )
})

describe.each([
  { name: 'nact', make: 'nactScheduler' },
  { name: 'direct', make: 'directScheduler' },
])('scheduler $name', ({ name, make }) => {
  it('lets node exit after close, and costs no CPU at idle [SUP-2]', async () => {
    const source = `
      import { ${make} } from './src/adapters/schedulers/${name}-scheduler.adapter.ts'
      const scheduler = ${make}()
      let drained = 0
      const slots = Array.from({ length: 300 }, (_, i) => scheduler.attach({ id: 'a$' + i, drain: () => (drained++, false) }))
      for (const slot of slots) slot.wake()
      const resources = () => process.getActiveResourcesInfo().filter((kind) => /Timeout|Immediate/.test(kind)).length
      while (drained < 300 || resources() > 0) await new Promise((resolve) => process.nextTick(() => setImmediate(resolve)))
      console.log(JSON.stringify({ drained, resources: resources() }))
      await scheduler.close()`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 30_000,
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    expect(code).toBe(0)
    expect(JSON.parse(output)).toEqual({ drained: 300, resources: 0 })
  })
})
