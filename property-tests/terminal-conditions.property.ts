import fc from 'fast-check'
import { expect } from 'vitest'
import type * as RulesModule from '../src/actors/health-rules.ts'
import { conclude, type Scene, type Sign } from '../src/actors/health-rules.ts'
import type { ProcessSample, Waiting } from '../src/ports/process-table.port.ts'
import type { PtyCondition } from '../src/protocols/health.ts'
import { property } from '../src/testing/property.ts'
import { processSample } from '../test/helpers/process-sample.ts'
import { type Mutant, withMutantSources } from './engine.ts'
import type { Planted, Proven } from './proven.ts'

type Engine = Pick<typeof RulesModule, 'conclude'>

/** What really goes on, and how that looks from outside. */
type Truth = {
  readonly condition: PtyCondition
  /** Of the process in the foreground. */
  readonly argv: readonly string[]
  readonly state: string
  readonly waiting: Waiting
  /** Signs that may be there without changing anything, or must be there. */
  readonly signs: 'any' | 'none' | 'some'
}
const PROGRAM = ['python3', 'x.py'] as const
const TRUTHS: readonly Truth[] = [
  { condition: 'at-prompt', argv: ['-bash'], state: 'S', waiting: 'prompt', signs: 'any' },
  { condition: 'at-prompt', argv: ['/bin/sh', '-i'], state: 'S', waiting: 'input', signs: 'any' },
  { condition: 'waiting-for-input', argv: ['bash', 'ask.sh'], state: 'S', waiting: 'input', signs: 'any' },
  { condition: 'waiting-for-input', argv: ['sh', '-c', 'read x'], state: 'S', waiting: 'input', signs: 'any' },
  { condition: 'waiting-for-input', argv: PROGRAM, state: 'S', waiting: 'prompt', signs: 'any' },
  { condition: 'blocked-on-output', argv: PROGRAM, state: 'S', waiting: 'output', signs: 'any' },
  { condition: 'busy', argv: PROGRAM, state: 'R', waiting: 'busy', signs: 'some' },
  { condition: 'busy', argv: PROGRAM, state: 'S', waiting: 'listening', signs: 'some' },
  { condition: 'busy', argv: PROGRAM, state: 'S', waiting: 'unknown', signs: 'some' },
  { condition: 'busy', argv: PROGRAM, state: 'D', waiting: 'busy', signs: 'some' },
  { condition: 'idle', argv: PROGRAM, state: 'S', waiting: 'busy', signs: 'none' },
  { condition: 'idle', argv: PROGRAM, state: 'S', waiting: 'listening', signs: 'none' },
  { condition: 'unknown', argv: PROGRAM, state: 'S', waiting: 'unknown', signs: 'none' },
  { condition: 'uninterruptible', argv: PROGRAM, state: 'D', waiting: 'unknown', signs: 'none' },
  { condition: 'stopped', argv: PROGRAM, state: 'T', waiting: 'busy', signs: 'any' },
]

type Scenario = {
  readonly truth: Truth
  /** Whether the one in the foreground is the leader, or was started by a shell that is. */
  readonly isLeader: boolean
  readonly signs: readonly Sign[]
  /** States of other processes: in the group of the foreground, and of jobs in the background. */
  readonly beside: number
  readonly background: readonly string[]
  /** The leader is a zombie, whatever the rest is. */
  readonly isZombie: boolean
}

const sample = (pid: number, more: Partial<ProcessSample>): ProcessSample =>
  processSample(pid, { startTime: String(pid), argv: ['x'], foreground: null, ...more })

const sceneOf = ({ truth, isLeader, signs, beside, background, isZombie }: Scenario): Scene => {
  const group = isLeader ? 1 : 2
  const front = sample(group, { argv: truth.argv, state: truth.state, foreground: group })
  const shell = sample(1, { argv: ['-zsh'], foreground: group })
  const leader = isLeader ? front : shell
  const others = Array.from({ length: beside }, (_, index) =>
    // a stopped group is stopped as a whole; otherwise one of it that is stopped stops nobody
    sample(10 + index, { pgid: group, foreground: group, argv: ['tee'], state: truth.state === 'T' || index > 0 ? 'T' : 'S' }),
  )
  const jobs = background.map((state, index) => sample(20 + index, { state, foreground: group }))
  return {
    leader: 1,
    tree: [...jobs, { ...leader, ...(isZombie && { state: 'Z' }) }, ...(isLeader ? [] : [front]), ...others],
    waiting: truth.waiting,
    signs: truth.signs === 'none' ? [] : truth.signs === 'some' && signs.length === 0 ? ['cpu'] : signs,
  }
}

const run = (engine: Engine, scenario: Scenario): void => {
  const { condition, evidence } = engine.conclude(sceneOf(scenario))
  expect(condition, evidence).toBe(scenario.isZombie ? 'zombie' : scenario.truth.condition)
  expect(evidence).not.toBe('')
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  truth: fc.constantFrom(...TRUTHS),
  isLeader: fc.boolean(),
  signs: fc.subarray<Sign>(['output', 'input', 'cpu']),
  beside: fc.nat(2),
  background: fc.array(fc.constantFrom('S', 'T', 'D', 'R', 'Z'), { maxLength: 3 }),
  isZombie: fc.integer({ min: 0, max: 9 }).map((value) => value === 0),
})

const TITLE = 'what a terminal does is told from its foreground and the evidence for it alone [PTY-18]'
const on = (engine: Engine) => property(TITLE, scenarios, (scenario) => run(engine, scenario), { runs: 300 })

const file = 'actors/health-rules.ts'
const MUTANTS: readonly Mutant[] = [
  { name: 'jobs in the background count', file, from: 'pgid === group && state', to: 'pgid !== -1 && state' },
  { name: 'the leader is taken for the foreground', file, from: 'first.foreground ?? first.pgid', to: 'first.pgid' },
  { name: 'one that is stopped stops all', file, from: 'front.every(isStopped)', to: 'front.some(isStopped)' },
  { name: 'what is stopped goes on', file, from: 'if (stopped !== undefined)', to: 'if (stopped === first && waiting === null)' },
  { name: 'a shell with a script is at its prompt', file, from: '!/^[-+]./u.test(word) || ', to: '' },
  { name: 'who polls does not wait', file, from: "waiting === 'input' || waiting === 'prompt'", to: "waiting === 'input'" },
  { name: 'a busy disk is stuck', file, from: 'stuck !== undefined && active === null', to: 'stuck !== undefined' },
  { name: 'a zombie lives', file, from: "if (first.state === 'Z')", to: "if (first.state === 'z')" },
  {
    name: 'an event loop waits for nobody but the user',
    file,
    from: "return is('idle', `${quiet}; it listens",
    to: "return is('waiting-for-input', `${quiet}; it listens",
  },
  { name: 'what cannot be seen is idle', file, from: "return is('unknown', `${quiet}; what", to: "return is('idle', `${quiet}; what" },
  { name: 'nobody is busy', file, from: "if (active !== null) return is('busy', active)\n  const quiet", to: 'const quiet' },
]

const planted = (mutant: Mutant): Planted<Scenario> => ({
  name: mutant.name,
  with: (use) => withMutantSources(mutant, async (load) => use(on(await load<Engine>(file)))),
})

/** Any program in the foreground, whatever else there is. */
export const terminalConditions: Proven<Scenario> = {
  ...on({ conclude }),
  area: 'pty',
  bugs: MUTANTS.map(planted),
  control: planted({ name: 'a copy without a bug', file, from: '`unknown` rather than a guess', to: '`unknown` instead of a guess' }),
}
