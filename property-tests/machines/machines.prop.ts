import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { laneMachine } from '../../src/protocols/lane.machine.ts'
import { ptyMachine } from '../../src/protocols/pty.machine.ts'
import { laneModel } from './lane-model.ts'
import { walkProperty } from './machine-model.ts'
import { mutant, type Plant } from './mutants.ts'
import { ptyModel } from './pty-model.ts'

const NUM_RUNS = 200 * Number(process.env['SIGNALBOX_RUNS'] ?? '1')

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

describe('state machines against hand-written tables', () => {
  it('the PTY does in random walks what the table says, and nothing else [PTY-1] [SUP-10]', () => {
    fc.assert(walkProperty(ptyMachine, ptyModel), { numRuns: NUM_RUNS })
  })

  it('the lane does in random walks what the table says, and nothing else [LN-1] [LN-3] [LN-8] [SUP-10]', () => {
    fc.assert(walkProperty(laneMachine, laneModel), { numRuns: NUM_RUNS })
  })

  it.each(PTY_MUTANTS)('the walks of the PTY catch: %s [SUP-10]', (_, plant) => {
    const planted = mutant(ptyMachine, 'ERR_PTY_INVALID_TRANSITION', plant)
    expect(fc.check(walkProperty(planted, ptyModel), { numRuns: 300 }).failed).toBe(true)
  })

  it.each(LANE_MUTANTS)('the walks of the lane catch: %s [SUP-10]', (_, plant) => {
    const planted = mutant(laneMachine, 'ERR_LANE_INVALID_TRANSITION', plant)
    expect(fc.check(walkProperty(planted, laneModel), { numRuns: 300 }).failed).toBe(true)
  })

  it('a machine rebuilt without a bug passes, so the walks catch the bugs and not the rebuilding', () => {
    const same: Plant = { at: ['id'], put: 'rebuilt' }
    fc.assert(walkProperty(mutant(ptyMachine, 'ERR_PTY_INVALID_TRANSITION', same), ptyModel), { numRuns: 100 })
    fc.assert(walkProperty(mutant(laneMachine, 'ERR_LANE_INVALID_TRANSITION', same), laneModel), { numRuns: 100 })
  })
})
