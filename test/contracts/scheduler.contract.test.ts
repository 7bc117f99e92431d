import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
  'wake drains at once': (scheduler: Scheduler): Scheduler => ({
    ...base(scheduler),
    attach: (runnable) => ({ ...slotOf(scheduler, runnable), wake: () => void runnable.drain(16) }),
  }),
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

  it('is found conformant as a whole [SUP-2]', async () => expect(await conformance(make)).toEqual({ ok: true, problems: [] }))

  it.each(Object.entries(broken))('conformance fails when %s [SUP-2]', async (_name, breakIt) => {
    const { ok, problems } = await conformance(() => breakIt(make()))
    expect(ok).toBe(false)
    expect(problems).not.toEqual([])
  })
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
