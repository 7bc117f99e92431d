import { describe, expect, it } from 'vitest'
import { assign, createMachine } from 'xstate'
import { type LaneContext, type LaneEvent, laneMachine, type LaneState } from '../../../src/protocols/lane.machine.ts'
import { type PtyContext, type PtyEvent, ptyMachine, type PtyState } from '../../../src/protocols/pty.machine.ts'
import { checkMachine, type MachineChecks } from '../../../src/testing/check-machine.ts'
import { laneModel } from '../../../property-tests/machines/lane-model.ts'
import { mutant, type Plant } from '../../../property-tests/machines/mutants.ts'
import { ptyModel } from '../../../property-tests/machines/pty-model.ts'

const ptyChecks: MachineChecks<PtyState, PtyContext, PtyEvent> = {
  events: ptyModel.events,
  invariants: {
    'once stopping, always stopping': (next, by) => by === null || !by.from.context.stopping || next.context.stopping,
    'terminate is remembered': (next, by) => by?.event.type !== 'terminate' || next.context.stopping,
    'no way out of stopped': (next, by) => by?.from.state !== 'stopped' || next.state === 'stopped',
    'a process is ended once asked to': (_next, by) =>
      by?.event.type !== 'terminate' || by.actions.includes(by.from.state === 'spawning' ? 'endLateProcess' : 'endProcess'),
    'an end that was asked for is no failure': (next, by) =>
      by?.event.type !== 'exited' || (next.state === 'stopped') === (by.event.clean || by.from.context.stopping),
  },
  accepts: {
    idle: ['spawn'],
    spawning: ['spawned', 'spawn-failed', 'terminate'],
    active: ['idle', 'terminate', 'exited', 'lost'],
    throttled: ['activity', 'terminate', 'exited', 'lost'],
    errored: ['dispose'],
    stopped: [],
  },
}
const laneChecks: MachineChecks<LaneState, LaneContext, LaneEvent> = {
  events: laneModel.events,
  within: ({ context }) => context.attached <= 4,
  invariants: {
    'nobody leaves who was not there': ({ context }) => context.attached >= 0,
    'running says what it does': ({ state, context }) => (state === 'ready' ? !context.running : state !== 'running' || context.running),
    'shared means two or more': ({ state, context }) => state !== 'shared' || context.attached >= 2,
  },
}

describe('checkMachine', () => {
  it('reaches every state and edge of the PTY and the lane, and finds nothing [SUP-10, PTY-1, LN-1]', () => {
    const pty = checkMachine(ptyMachine, ptyChecks)
    expect(pty.problems).toEqual([])
    expect(pty.states.reached).toHaveLength(6)
    expect(pty.edges.reached).toContain('active –exited [stopsCleanly]→ stopped')
    const lane = checkMachine(laneMachine, laneChecks)
    expect(lane.problems).toEqual([])
    expect(lane.edges.missing).toEqual([])
    expect(lane.edges.reached).toContain('closed –cleanup→ closed (acknowledged)')
  })

  it.each<[string, Plant, RegExp]>([
    ['an event too much', { at: ['states', 'idle', 'on', 'dispose'], put: 'stopped' }, /taken, though the table does not allow it/],
    ['an event too few', { at: ['states', 'throttled', 'on', 'lost'], put: undefined }, /"throttled" never takes "lost"/],
    ['a guard', { guard: 'stopsCleanly', is: () => true }, /not taken: active –exited→ errored/],
    ['an action', { at: ['states', 'active', 'on', 'terminate', 'actions'], put: 'endProcess' }, /"terminate is remembered" does not hold/],
    ['a state without a way', { at: ['states', 'active', 'on', 'idle'], put: undefined }, /state "throttled" is not reached/],
    ['life after the end', { at: ['states', 'stopped'], put: { on: { spawn: 'spawning' } } }, /"no way out of stopped" does not hold/],
  ])('finds %s that was planted in the PTY, and says where [SUP-10]', (_, plant, problem) => {
    const { ok, problems } = checkMachine(mutant(ptyMachine, 'ERR_PTY_INVALID_TRANSITION', plant), ptyChecks)
    expect(ok).toBe(false)
    expect(problems.join('\n')).toMatch(problem)
  })

  it('names the shortest way to a broken invariant [SUP-10]', () => {
    const planted = mutant(laneMachine, 'ERR_LANE_INVALID_TRANSITION', { guard: 'oneAttached', is: () => true })
    expect(checkMachine(planted, laneChecks).problems.join('\n')).toMatch(
      /after provision, provisioned: \{"type":"detach"\} in .* where "nobody leaves who was not there" does not hold/,
    )
  })

  it('finds a wrapper that accepts, refuses or changes what it should not [SUP-10]', () => {
    const found = (broken: Partial<typeof ptyMachine>): string => checkMachine({ ...ptyMachine, ...broken }, ptyChecks).problems.join('\n')
    expect(found({ can: () => true })).toMatch(/`can` says yes, but it throws/)
    expect(found({ advance: (from) => ({ next: from, actions: [] }) })).toMatch(/not refused with an INVALID_TRANSITION/)
    const changing = (from: Parameters<typeof ptyMachine.advance>[0], event: PtyEvent): ReturnType<typeof ptyMachine.advance> => {
      const step = ptyMachine.advance(from, event)
      Object.assign(from.context, { stopping: step.next.context.stopping })
      return step
    }
    expect(found({ advance: changing })).toMatch(/changed in place/)
    let calls = 0
    expect(found({ advance: (from, event) => ({ ...ptyMachine.advance(from, event), actions: [String((calls += 1))] }) })).toMatch(
      /not the same twice/,
    )
  })

  it('takes an XState machine as it is, and gives up on one that never ends [SUP-10]', () => {
    const door = createMachine({
      id: 'door',
      initial: 'shut',
      states: { shut: { on: { open: 'open' } }, open: { on: { shut: 'shut' } }, lost: {} },
    })
    expect(checkMachine(door, { events: [{ type: 'open' }, { type: 'shut' }] }).problems).toEqual(['state "lost" is not reached'])
    const endless = createMachine({
      id: 'endless',
      context: { n: 0 },
      initial: 'on',
      states: { on: { on: { more: { actions: assign({ n: ({ context }: { context: { n: number } }) => context.n + 1 }) } } } },
    })
    expect(checkMachine(endless, { events: [{ type: 'more' }], limit: 500 }).problems[0]).toMatch(/gave up/)
    expect(checkMachine(endless, { events: [{ type: 'more' }], within: ({ context }) => (context as { n: number }).n < 5 }).ok).toBe(true)
  })
})
