import fc from 'fast-check'
import { defineActor } from '../src/kernel/types.ts'
import type { RestartType } from '../src/protocols/plan.ts'
import { type ChildSpec, type SupervisorSpec, worker } from '../src/kernel/child-spec.ts'
import { compareWithOtp, crashScripts } from '../src/testing/check-supervisor.ts'
import type { CrashScript } from '../src/testing/supervisor-model.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'

/** A tree as plain data. */
export type Leaf = { readonly restart: RestartType; readonly significant: boolean; readonly brutal: boolean }
export type Shape = {
  readonly strategy: SupervisorSpec['strategy']
  readonly restart: RestartType
  readonly autoShutdown: NonNullable<SupervisorSpec['autoShutdown']>
  readonly intensity: { readonly restarts: number; readonly withinMs: number }
  readonly children: readonly (Leaf | Shape)[]
}
export type Scenario = { readonly shape: Shape; readonly script: CrashScript }

const WITHIN = 100
const DEPTH = 2
const idle = defineActor<object, null, null>({ kind: 'idle', init: () => null, on: {} })

const childOf = (child: Leaf | Shape, name: string, parent: Shape): ChildSpec => {
  if ('children' in child) return specOf(child, name)
  // As OTP: a permanent child never ends for good, and a significant one needs a supervisor that heeds it.
  const significant = child.significant && child.restart !== 'permanent' && parent.autoShutdown !== 'never'
  return worker(name, idle, null, { restart: child.restart, significant, ...(child.brutal ? { shutdown: 'brutal' } : {}) })
}

export const specOf = (shape: Shape, name: string): SupervisorSpec => ({
  type: 'supervisor',
  name,
  strategy: shape.strategy,
  restart: shape.restart,
  autoShutdown: shape.autoShutdown,
  intensity: shape.intensity,
  children: shape.children.map((child, index) => childOf(child, `${name}.${index}`, shape)),
})

/** What is drawn. */
export type Drawn = {
  readonly strategies: readonly SupervisorSpec['strategy'][]
  /** Restart types of supervisors below the root. */
  readonly restarts: readonly RestartType[]
}
const RESTARTS = ['permanent', 'transient', 'temporary'] as const

const leaf: fc.Arbitrary<Leaf> = fc.record({ restart: fc.constantFrom(...RESTARTS), significant: fc.boolean(), brutal: fc.boolean() })
const shapes = (depth: number, drawn: Drawn): fc.Arbitrary<Shape> =>
  fc.record({
    strategy: fc.constantFrom(...drawn.strategies),
    restart: fc.constantFrom(...drawn.restarts),
    autoShutdown: fc.constantFrom('never' as const, 'never' as const, 'any_significant' as const, 'all_significant' as const),
    intensity: fc.record({ restarts: fc.nat(4), withinMs: fc.constant(WITHIN) }),
    children: fc.array(depth === 0 ? leaf : fc.oneof({ weight: 3, arbitrary: leaf }, shapes(depth - 1, drawn)), {
      minLength: 1,
      maxLength: 4,
    }),
  })
export const otpScenarios = (drawn: Drawn): fc.Arbitrary<Scenario> =>
  shapes(DEPTH, drawn).chain((shape) => crashScripts(specOf(shape, 'root'), 14).map((script) => ({ shape, script })))

const policy = 'supervisors/restart-policy.ts'
const supervisor = 'supervisors/supervisor.ts'

export const supervisorOtp: readonly Proven<Scenario>[] = engineProperty(
  'supervisors',
  'any tree of supervisors starts, stops, counts, decides and escalates as OTP’s would, in the same order [SUP-3, SUP-4, SUP-6]',
  otpScenarios({ strategies: ['one_for_one', 'one_for_all', 'rest_for_one'], restarts: RESTARTS }),
  (engine, { shape, script }) => compareWithOtp(engine, specOf(shape, 'root'), script),
  {
    runs: 300,
    catches: [
      {
        name: 'escalation counts as a clean end',
        file: 'supervisors/child.ts',
        from: '!isCleanExit(exit)',
        to: "!isCleanExit(exit) && exit.reason !== 'escalated'",
      },
      { name: 'any significant needs all', file: policy, from: "if (autoShutdown === 'any_significant') return true", to: '' },
      {
        name: 'all significant needs one',
        file: policy,
        from: "one.phase !== 'done') return false",
        to: "one.phase !== 'done') return true",
      },
      {
        name: 'children outlive their supervisor',
        file: supervisor,
        from: 'terminate: (_ctx, _state, exit) =>',
        to: "terminate: (_ctx, _state, exit) => exit.reason === 'escalated' ? undefined :",
      },
      { name: 'brutal children are asked', file: 'kernel/cell.ts', from: "if (shutdown === 'brutal') return this.kill()", to: '' },
      {
        name: 'intensity off by one',
        file: policy,
        from: 'if (restarts > this.intensity.restarts)',
        to: 'if (restarts >= this.intensity.restarts)',
      },
      { name: 'window without its end', file: 'supervisors/restart-window.ts', from: 'atMs <= time', to: 'atMs < time' },
      {
        name: 'failed start not counted',
        file: policy,
        from: 'const restarts = this.window.add(now)',
        to: "const restarts = child.phase === 'starting' ? this.window.count(now) : this.window.add(now)",
      },
      { name: 'transient child restarted after a clean end', file: 'supervisors/child.ts', from: '!isCleanExit(exit)', to: 'true' },
    ],
  },
)
