import { assign, setup } from 'xstate'
import { type Machine, machine, type Snapshot } from './machine.ts'
import type { PtyState } from './states.ts'

export type { PtyState }
export type PtyContext = { readonly stopping: boolean }
export type PtyEvent =
  | { type: 'spawn' }
  | { type: 'spawned' }
  | { type: 'spawn-failed' }
  | { type: 'idle' }
  | { type: 'activity' }
  | { type: 'terminate' }
  | { type: 'exited'; clean: boolean }
  | { type: 'lost' }
  | { type: 'dispose' }
export type PtySnapshot = Snapshot<PtyState, PtyContext>

const definition = setup({
  types: { context: {} as PtyContext, events: {} as PtyEvent },
  actions: { startProcess: () => {}, endProcess: () => {}, endLateProcess: () => {} },
  guards: { stopsCleanly: ({ context, event }) => context.stopping || (event.type === 'exited' && event.clean) },
}).createMachine({
  id: 'pty',
  context: { stopping: false },
  initial: 'idle',
  states: {
    idle: { on: { spawn: { target: 'spawning', actions: 'startProcess' } } },
    spawning: {
      on: {
        spawned: 'active',
        'spawn-failed': 'errored',
        terminate: { target: 'stopped', actions: [assign({ stopping: true }), 'endLateProcess'] },
      },
    },
    active: {
      on: {
        idle: 'throttled',
        terminate: { actions: [assign({ stopping: true }), 'endProcess'] },
        exited: [{ guard: 'stopsCleanly', target: 'stopped' }, { target: 'errored' }],
        lost: 'errored',
      },
    },
    throttled: {
      on: {
        activity: 'active',
        terminate: { actions: [assign({ stopping: true }), 'endProcess'] },
        exited: [{ guard: 'stopsCleanly', target: 'stopped' }, { target: 'errored' }],
        lost: 'errored',
      },
    },
    errored: { on: { dispose: 'stopped' } },
    stopped: { type: 'final' },
  },
})

/**
 * Life of one PTY (PTY-1). `stopping` is set by terminate: from then on any exit counts as stopped. A terminate while
 * spawning ends the late child on its arrival.
 */
export const ptyMachine: Machine<PtyState, PtyContext, PtyEvent> = machine(definition, 'ERR_PTY_INVALID_TRANSITION')
