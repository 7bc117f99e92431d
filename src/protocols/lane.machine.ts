import { assign, setup } from 'xstate'
import { type Machine, machine, type Snapshot } from './machine.ts'
import type { LaneState } from './states.ts'

export type { LaneState }
export type LaneContext = {
  /** Agents and people attached. */
  readonly attached: number
  /** Whether commands run; what a shared lane goes back to. */
  readonly running: boolean
}
export type LaneEvent =
  | { type: 'provision' }
  | { type: 'provisioned' }
  | { type: 'provision-failed' }
  | { type: 'started' }
  | { type: 'settled' }
  | { type: 'block' }
  | { type: 'unblock' }
  | { type: 'attach' }
  | { type: 'detach' }
  | { type: 'cleanup' }
  | { type: 'cleaned' }
  | { type: 'cleanup-failed' }
export type LaneSnapshot = Snapshot<LaneState, LaneContext>

const definition = setup({
  types: { context: {} as LaneContext, events: {} as LaneEvent },
  actions: {
    addWorktree: () => {},
    abortProvisioning: () => {},
    endEverything: () => {},
    removeWorktree: () => {},
    retryRemoval: () => {},
  },
  guards: {
    oneAttached: ({ context }) => context.attached >= 1,
    twoAttached: ({ context }) => context.attached === 2,
    moreThanTwoAttached: ({ context }) => context.attached > 2,
    twoAttachedAndRunning: ({ context }) => context.attached === 2 && context.running,
    running: ({ context }) => context.running,
    idle: ({ context }) => !context.running,
    stillShared: ({ context }) => context.attached >= 2,
  },
}).createMachine({
  id: 'lane',
  context: { attached: 0, running: false },
  initial: 'new',
  states: {
    new: {
      on: { provision: { target: 'provisioning', actions: 'addWorktree' }, cleanup: { target: 'cleaning', actions: 'removeWorktree' } },
    },
    provisioning: {
      on: {
        provisioned: 'ready',
        'provision-failed': { target: 'cleaning', actions: 'removeWorktree' },
        cleanup: { target: 'cleaning', actions: 'abortProvisioning' },
      },
    },
    ready: {
      on: {
        started: { target: 'running', actions: assign({ running: true }) },
        attach: [
          { guard: 'oneAttached', target: 'shared', actions: assign({ attached: ({ context }) => context.attached + 1 }) },
          { actions: assign({ attached: ({ context }) => context.attached + 1 }) },
        ],
        detach: { guard: 'oneAttached', actions: assign({ attached: ({ context }) => context.attached - 1 }) },
        cleanup: { target: 'cleaning', actions: 'endEverything' },
      },
    },
    running: {
      on: {
        settled: { target: 'ready', actions: assign({ running: false }) },
        block: 'blocked',
        attach: [
          { guard: 'oneAttached', target: 'shared', actions: assign({ attached: ({ context }) => context.attached + 1 }) },
          { actions: assign({ attached: ({ context }) => context.attached + 1 }) },
        ],
        detach: { guard: 'oneAttached', actions: assign({ attached: ({ context }) => context.attached - 1 }) },
        cleanup: { target: 'cleaning', actions: 'endEverything' },
      },
    },
    blocked: {
      on: {
        unblock: [{ guard: 'stillShared', target: 'shared' }, { target: 'running' }],
        attach: { actions: assign({ attached: ({ context }) => context.attached + 1 }) },
        detach: { guard: 'oneAttached', actions: assign({ attached: ({ context }) => context.attached - 1 }) },
        cleanup: { target: 'cleaning', actions: 'endEverything' },
      },
    },
    shared: {
      on: {
        started: { guard: 'idle', actions: assign({ running: true }) },
        settled: { guard: 'running', actions: assign({ running: false }) },
        attach: { actions: assign({ attached: ({ context }) => context.attached + 1 }) },
        detach: [
          { guard: 'twoAttachedAndRunning', target: 'running', actions: assign({ attached: 1 }) },
          { guard: 'twoAttached', target: 'ready', actions: assign({ attached: 1 }) },
          { guard: 'moreThanTwoAttached', actions: assign({ attached: ({ context }) => context.attached - 1 }) },
        ],
        cleanup: { target: 'cleaning', actions: 'endEverything' },
      },
    },
    cleaning: {
      meta: { acknowledges: ['cleanup'] },
      on: { cleaned: 'closed', 'cleanup-failed': { actions: 'retryRemoval' } },
    },
    closed: { type: 'final', meta: { acknowledges: ['cleanup'] } },
  },
})

/**
 * Life of a lane (LN-1). Cleanup is legal in every state before cleaning, and acknowledged without effect from there on
 * (LN-3). A lane is shared from the second attachment on and leaves that state when one is left (LN-8).
 */
export const laneMachine: Machine<LaneState, LaneContext, LaneEvent> = machine(definition, 'ERR_LANE_INVALID_TRANSITION')
