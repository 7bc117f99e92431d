import fc from 'fast-check'
import { expect } from 'vitest'
import { defineActor, type Exit, named } from '../src/kernel/types.ts'
import { type Judgement, type SupervisorProtocol, worker } from '../src/kernel/child-spec.ts'
import { note } from '../src/testing/recording.ts'
import type { Engine } from '../src/testing/simulate.ts'
import { engineProperty } from './engine-property.ts'
import type { Proven } from './proven.ts'
import { type Command, expectedLog, isCommand, nameOf, type Step, type SupervisorScenario, WAIT } from './supervisor-model.ts'

type Protocol = { crash: { message: { as: string } }; exit: { message: object } }
const WITHIN = 100

const child = defineActor<Protocol, null, { fails: readonly number[]; starts: { count: number } }>({
  kind: 'child',
  init(_ctx, { fails, starts }) {
    starts.count += 1
    if (fails.includes(starts.count)) throw new Error('init says no')
    return null
  },
  on: {
    crash: (_ctx, _state, { as }) => {
      throw new Error(as)
    },
    exit: (ctx) => {
      ctx.exit('normal')
      return null
    },
  },
})

const JUDGEMENTS: Readonly<Record<string, Judgement>> = {
  wait: { do: 'wait', ms: WAIT.ms, atMost: WAIT.atMost, reason: 'told to' },
  stop: { do: 'stop', reason: 'told to' },
  escalate: { do: 'escalate', reason: 'told to' },
}
const classify = ({ error }: Exit): Judgement => JUDGEMENTS[error?.message ?? ''] ?? { do: 'restart' }

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('crash' as const), child: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('exit' as const), child: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), child: fc.constantFrom(0, 0, 0, 1) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('stop' as const, 'escalate' as const), child: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('terminate-child' as const, 'terminate-child' as const, 'restart-child' as const, 'delete-child' as const),
      // Few children, so that one command follows another for the same.
      child: fc.constantFrom(0, 0, 1, 2),
    }),
  },
  // The very ends of the window are where counting goes wrong.
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 40, WITHIN - 1, WITHIN, WITHIN + 1) }) },
)

const scenarios: fc.Arbitrary<SupervisorScenario> = fc.record({
  seed: fc.nat(),
  strategy: fc.constantFrom('one_for_one' as const, 'one_for_all' as const, 'rest_for_one' as const),
  intensity: fc.record({ restarts: fc.nat(4), withinMs: fc.constant(WITHIN) }),
  children: fc.array(
    fc.record({
      restart: fc.constantFrom('permanent' as const, 'transient' as const, 'temporary' as const),
      fails: fc.uniqueArray(fc.integer({ min: 2, max: 5 }), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  steps: fc.array(steps, { maxLength: 14 }),
})

/** What the engine does in the scenario: one thing at a time, so that the order is the supervisor's alone. */
const observedLog = async ({ startSystem, SeededScheduler }: Engine, scenario: SupervisorScenario): Promise<string[]> => {
  const world = new SeededScheduler(scenario.seed)
  const log: string[] = []
  const children = scenario.children.map(({ restart, fails }, index) =>
    worker(nameOf(index), child, { fails, starts: { count: 0 } }, { restart, classify }),
  )
  const system = await startSystem({
    scheduler: world,
    clock: world.clock,
    random: world.random,
    root: { type: 'supervisor', name: 'root', strategy: scenario.strategy, intensity: scenario.intensity, children },
    observer: {
      started: ({ name, incarnation }) => log.push(`started ${name}$${incarnation} at ${world.clock.monotonic()}`),
      exited: ({ name, incarnation, exit }) => log.push(`exited ${name}$${incarnation} ${exit.reason}`),
      decided: (decision) => log.push(`${decision.decision} ${decision.child} ${decision.restarts}`),
    },
  })
  const command = (what: Command, name: string): void => {
    if (system.lookup('root') === undefined) return
    system.ask(named<SupervisorProtocol>('root'), `supervisor.${what}`, { name }, { timeoutMs: 1_000_000 }).then(
      () => log.push(`${what} ok`),
      (error: { code: string }) => log.push(`${what} ${error.code}`),
    )
  }
  for (const step of scenario.steps) {
    note(`step ${JSON.stringify(step)}`)
    if (step.do === 'advance') await world.advance(step.ms)
    else if (isCommand(step.do)) command(step.do, nameOf(step.child))
    else if (step.do === 'exit') system.tell(named<Protocol>(nameOf(step.child)), 'exit', {})
    else system.tell(named<Protocol>(nameOf(step.child)), 'crash', { as: step.do })
    await world.settle()
    if (step.do !== 'wait') continue
    await world.advance(WAIT.ms)
    await world.settle()
  }
  await system.stop()
  return log
}

const policy = 'supervisors/restart-policy.ts'
const supervisor = 'supervisors/supervisor.ts'
const commands = 'supervisors/child-commands.ts'

export const supervisorCommands: readonly Proven<SupervisorScenario>[] = engineProperty(
  'supervisors',
  'starts, stops, counts and decides as OTP’s does, in the same order, and as ends are judged [SUP-3, SUP-4, SUP-6]',
  scenarios,
  async (engine, scenario) => {
    expect(await observedLog(engine, scenario)).toEqual(expectedLog(scenario))
  },
  {
    runs: 300,
    catches: [
      {
        name: 'intensity off by one',
        file: policy,
        from: 'if (restarts > this.intensity.restarts)',
        to: 'if (restarts >= this.intensity.restarts)',
      },
      {
        name: 'wait counted as a restart',
        file: policy,
        from: 'const restarts = this.window.count(now)',
        to: 'const restarts = this.window.add(now)',
      },
      { name: 'wait for ever', file: policy, from: 'if (waits <= judgement.atMost)', to: 'if (Math.PI > 3)' },
      { name: 'one wait too few', file: policy, from: 'if (waits <= judgement.atMost)', to: 'if (waits < judgement.atMost)' },
      { name: 'waits never forgotten', file: policy, from: 'child.restartsInARow = child.waitsInARow = 0', to: 'child.restartsInARow = 0' },
      { name: 'wait without its time', file: policy, from: 'delayMs: judgement.ms', to: 'delayMs: 0' },
      {
        name: 'wait brings a temporary child back',
        file: policy,
        from: "judgement.do === 'stop' || !isRestartable(child.spec, exit)",
        to: "judgement.do === 'stop' || (judgement.do !== 'wait' && !isRestartable(child.spec, exit))",
      },
      { name: 'child judged to stop restarted', file: policy, from: "judgement.do === 'stop' ||", to: '' },
      { name: 'judged escalation restarts', file: policy, from: "if (judgement.do === 'escalate')", to: 'if (Math.PI < 3)' },
      { name: 'window without its end', file: 'supervisors/restart-window.ts', from: 'atMs <= time', to: 'atMs < time' },
      {
        name: 'group restart counted per child',
        file: supervisor,
        from: "else child.phase = 'down'\n    } else if",
        to: "else { this.policy.judge(child, { reason: 'crashed' }, []); child.phase = 'down' }\n    } else if",
      },
      {
        name: 'failed start not counted',
        file: policy,
        from: 'const restarts = this.window.add(now)',
        to: "const restarts = child.phase === 'starting' ? this.window.count(now) : this.window.add(now)",
      },
      { name: 'group stopped from the left', file: supervisor, from: 'children.findLast(', to: 'children.find(' },
      { name: 'all stopped from the left', file: supervisor, from: 'this.children.list().toReversed()', to: 'this.children.list()' },
      {
        name: 'temporary child restarted with its group',
        file: supervisor,
        from: "if (restartOf(child.spec) === 'temporary') this.remove(child, undefined)\n      else",
        to: '',
      },
      { name: 'transient child restarted after a clean end', file: 'supervisors/child.ts', from: '!isCleanExit(exit)', to: 'true' },
      {
        name: 'rest_for_one restarts one',
        file: supervisor,
        from: 'all.slice(all.indexOf(child) + 1)',
        to: '[]',
      },
      {
        name: 'start at request judged as a restart',
        file: supervisor,
        from: "isAlone && this.spec.strategy !== 'dynamic'",
        to: 'Math.PI < 3',
      },
      { name: 'start at request fails with its group', file: commands, from: 'child.isAlone = true', to: '' },
      {
        name: 'terminated child restarted',
        file: supervisor,
        from: "if (child.leaving !== 'no') return this",
        to: 'if (Math.PI < 3) return this',
      },
      {
        name: 'terminate-child drops the spec',
        file: commands,
        from: "const goes = spec === 'goes' ||",
        to: 'const goes = Math.PI > 3 ||',
      },
      { name: 'temporary child keeps its spec', file: commands, from: "restartOf(child.spec) === 'temporary'", to: 'Math.PI < 3' },
      {
        name: 'delete-child deletes nothing',
        file: commands,
        from: '    this.keeper.remove(child, undefined)\n    return answer',
        to: '    return answer',
      },
      {
        name: 'one_for_all spares what is before',
        file: supervisor,
        from: '(one) => one !== child',
        to: '(one, at, all) => at > all.indexOf(child)',
      },
      {
        name: 'one_for_all leaves what had ended for good',
        file: supervisor,
        from: "else one.phase = 'down'",
        to: "else if (one.phase !== 'done') one.phase = 'down'",
      },
    ],
  },
)
