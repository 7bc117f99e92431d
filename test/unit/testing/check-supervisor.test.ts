import { describe, expect, it } from 'vitest'
import { defineActor } from '../../../src/kernel/types.ts'
import { type ChildSpec, type SupervisorSpec, worker } from '../../../src/kernel/child-spec.ts'
import { laneTree } from '../../../src/supervisors/lane.tree.ts'
import { rootTree, runTree } from '../../../src/supervisors/root.tree.ts'
import { terminalTree } from '../../../src/supervisors/terminal.tree.ts'
import { checkSupervisor, checkSupervisorOn } from '../../../src/testing/check-supervisor.ts'
import { withMutant } from '../../../property-tests/engine.ts'

const idle = defineActor<object, null, null>({ kind: 'idle', init: () => null, on: {} })
const child = (name: string, options: Parameters<typeof worker>[3] = {}): ChildSpec => worker(name, idle, null, options)
const sup = (name: string, options: Partial<SupervisorSpec>): SupervisorSpec => ({
  type: 'supervisor',
  name,
  strategy: 'one_for_one',
  ...options,
})

const trees: Readonly<Record<string, SupervisorSpec>> = {
  flat: sup('root', { children: [child('a'), child('b', { restart: 'transient' }), child('c', { restart: 'temporary' })] }),
  'rest for one': sup('root', {
    strategy: 'rest_for_one',
    intensity: { restarts: 3, withinMs: 50 },
    children: [child('a'), child('b', { restart: 'temporary' }), child('c', { shutdown: 'brutal' }), child('d', { restart: 'transient' })],
  }),
  nested: sup('root', {
    strategy: 'rest_for_one',
    intensity: { restarts: 2, withinMs: 100 },
    children: [
      child('before'),
      sup('inner', {
        restart: 'transient',
        intensity: { restarts: 1, withinMs: 40 },
        children: [child('x'), sup('innermost', { restart: 'temporary', children: [child('y'), child('z')] })],
      }),
      child('after'),
    ],
  }),
  'any significant': sup('root', {
    children: [
      sup('group', {
        restart: 'transient',
        autoShutdown: 'any_significant',
        children: [child('a', { restart: 'transient', significant: true }), child('b', { restart: 'temporary', significant: true })],
      }),
      child('c'),
    ],
  }),
  'all significant': sup('root', {
    autoShutdown: 'all_significant',
    children: [
      child('a', { restart: 'transient', significant: true }),
      child('b', { restart: 'temporary', significant: true }),
      child('c'),
    ],
  }),
}

/** Trees of the product; puppets stand for their actors, so what those are started with does not matter. */
const own: Readonly<Record<string, SupervisorSpec>> = {
  root: rootTree({ recover: { lanes: () => [], runs: () => [] } } as unknown as Parameters<typeof rootTree>[0]),
  run: runTree({ runId: 'rn_1' } as unknown as Parameters<typeof runTree>[0]),
  lane: laneTree({ laneId: 'ln_1' } as unknown as Parameters<typeof laneTree>[0]),
  ...Object.fromEntries(
    (['permanent', 'transient', 'temporary'] as const).map((restart) => {
      const command = { restart, intensity: { restarts: 2, withinMs: 1_000 }, graceMs: 5_000 }
      return [`terminal, ${restart}`, terminalTree({ terminalId: 'tm_1', command } as unknown as Parameters<typeof terminalTree>[0])]
    }),
  ),
}

describe('checkSupervisor', () => {
  it.each(Object.entries(own))('finds no difference from OTP in the product’s own tree: %s [SUP-1, SUP-3, SUP-4]', async (_, spec) => {
    expect((await checkSupervisor(spec)).problems).toEqual([])
  })

  it.each(Object.entries(trees))('finds no difference from OTP in a tree: %s [SUP-3, SUP-4, SUP-6]', async (_, spec) => {
    expect((await checkSupervisor(spec)).problems).toEqual([])
  })

  it.each<[string, keyof typeof trees, { file: string; from: string; to: string }]>([
    [
      'an intensity off by one',
      'flat',
      {
        file: 'supervisors/restart-policy.ts',
        from: 'if (restarts > this.intensity.restarts)',
        to: 'if (restarts >= this.intensity.restarts)',
      },
    ],
    ['a window without its end', 'rest for one', { file: 'supervisors/restart-window.ts', from: 'atMs <= time', to: 'atMs < time' }],
    [
      'an escalation that counts as clean',
      'nested',
      {
        file: 'supervisors/child.ts',
        from: "restart === 'transient' && !isCleanExit(exit)",
        to: "restart === 'transient' && !isCleanExit(exit) && exit.reason !== 'escalated'",
      },
    ],
    [
      'a significant child that is not',
      'any significant',
      { file: 'supervisors/restart-policy.ts', from: "if (autoShutdown === 'any_significant') return true", to: '' },
    ],
    [
      'the last of all that is the first',
      'all significant',
      { file: 'supervisors/restart-policy.ts', from: "one.phase !== 'done') return false", to: "one.phase !== 'done') return true" },
    ],
  ])('finds %s that was planted in the engine, and says how [SUP-3, SUP-4]', async (name, tree, plant) => {
    await withMutant({ name, ...plant }, async ({ seeded }) => {
      const { ok, problems } = await checkSupervisorOn(seeded, trees[tree]!, { seed: 1 })
      expect(ok).toBe(false)
      expect(problems.join('\n')).toMatch(/seed 1, path [\d:]+: \{"seed":\d+,"steps":\[/)
    })
  })
})
