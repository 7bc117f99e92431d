import type { ErrorCode } from '../../src/protocols/errors.ts'
import { laneMachine } from '../../src/protocols/lane.machine.ts'
import type { Machine } from '../../src/protocols/machine.ts'
import { ptyMachine } from '../../src/protocols/pty.machine.ts'
import { property } from '../../src/testing/property.ts'
import type { Planted, Proven } from '../proven.ts'
import { laneModel } from './lane-model.ts'
import { type Choice, type Model, walk, walks } from './machine-model.ts'
import { mutant, type Plant } from './mutants.ts'
import { ptyModel } from './pty-model.ts'

const PTY_MUTANTS: [string, Plant][] = [
  ['a failed spawn counts as active', { at: ['states', 'spawning', 'on', 'spawn-failed'], put: 'active' }],
  ['any exit counts as clean', { guard: 'stopsCleanly', is: () => true }],
  ['an exit after terminate counts as failed', { at: ['states', 'active', 'on', 'terminate', 'actions'], put: 'endProcess' }],
  ['the guard of an exit is dropped', { at: ['states', 'throttled', 'on', 'exited', '0', 'guard'], put: undefined }],
  ['a throttled PTY cannot be lost', { at: ['states', 'throttled', 'on', 'lost'], put: undefined }],
  ['terminate stops before the exit', { at: ['states', 'active', 'on', 'terminate', 'target'], put: 'stopped' }],
  ['a late child is left alive', { at: ['states', 'spawning', 'on', 'terminate', 'actions', '1'], put: 'endProcess' }],
  ['a stopped PTY can be spawned again', { at: ['states', 'stopped'], put: { on: { spawn: 'spawning' } } }],
  ['an idle PTY can be disposed of', { at: ['states', 'idle', 'on', 'dispose'], put: 'stopped' }],
  ['a failed PTY can be terminated', { at: ['states', 'errored', 'on', 'terminate'], put: 'stopped' }],
]

const LANE_MUTANTS: [string, Plant][] = [
  ['the first attachment shares the lane', { guard: 'oneAttached', is: () => true }],
  ['a lane that runs goes back to ready', { guard: 'twoAttachedAndRunning', is: () => false }],
  ['leaving one of three ends the sharing', { guard: 'twoAttached', is: () => true }],
  ['an unblocked lane forgets who is attached', { guard: 'stillShared', is: () => false }],
  ['a failed provisioning leaves its worktree', { at: ['states', 'provisioning', 'on', 'provision-failed', 'actions'], put: undefined }],
  ['a blocked lane cannot be cleaned', { at: ['states', 'blocked', 'on', 'cleanup'], put: undefined }],
  ['a second cleanup is refused', { at: ['states', 'cleaning', 'meta'], put: undefined }],
  ['a failed cleanup closes the lane', { at: ['states', 'cleaning', 'on', 'cleanup-failed'], put: 'closed' }],
  ['a lane settles and still counts as running', { at: ['states', 'running', 'on', 'settled', 'actions'], put: undefined }],
  ['a running lane can be started again', { at: ['states', 'running', 'on', 'started'], put: 'running' }],
  ['a shared lane settles twice', { guard: 'running', is: () => true }],
]

/** A machine does in random walks what its table says, and nothing else. */
const machineProperty = <State extends string, Context, Event extends { type: string }>(
  area: 'pty' | 'lane',
  title: string,
  original: Machine<State, Context, Event>,
  model: Model<State, Context, Event>,
  catches: readonly [string, Plant][],
): Proven<Choice[]> => {
  const on = (machine: Machine<State, Context, Event>) => property(title, walks, (choices) => walk(machine, model, choices), { runs: 200 })
  const planted = ([name, plant]: readonly [string, Plant]): Planted<Choice[]> => ({
    name,
    with: (use) => use(on(mutant(original, model.invalid as ErrorCode, plant))),
  })
  return { ...on(original), area, bugs: catches.map(planted), control: planted(['rebuilt without a bug', { at: ['id'], put: 'rebuilt' }]) }
}

export const ptyWalks: Proven<Choice[]> = machineProperty(
  'pty',
  'the PTY does in random walks what the table says, and nothing else [PTY-1] [SUP-10]',
  ptyMachine,
  ptyModel,
  PTY_MUTANTS,
)

export const laneWalks: Proven<Choice[]> = machineProperty(
  'lane',
  'the lane does in random walks what the table says, and nothing else [LN-1] [LN-3] [LN-8] [SUP-10]',
  laneMachine,
  laneModel,
  LANE_MUTANTS,
)
