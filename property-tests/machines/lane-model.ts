import type { LaneContext, LaneEvent, LaneState } from '../../src/protocols/lane.machine.ts'
import type { Model } from './machine-model.ts'

const one = (context: LaneContext): boolean => context.attached >= 1
const more = (context: LaneContext): LaneContext => ({ ...context, attached: context.attached + 1 })
const fewer = (context: LaneContext): LaneContext => ({ ...context, attached: context.attached - 1 })
const runs = (running: boolean) => (context: LaneContext) => ({ ...context, running })
const lastShared = (running: boolean) => (context: LaneContext) => context.attached === 2 && context.running === running

/** The lane's life as DESIGN "Machines" tells it. A lane is shared from the second attachment on. */
export const laneModel: Model<LaneState, LaneContext, LaneEvent> = {
  start: { state: 'new', context: { attached: 0, running: false } },
  invalid: 'ERR_LANE_INVALID_TRANSITION',
  seldom: ['provision-failed', 'cleanup'],
  states: ['new', 'provisioning', 'ready', 'running', 'blocked', 'shared', 'cleaning', 'closed'],
  events: [
    { type: 'provision' },
    { type: 'provisioned' },
    { type: 'provision-failed' },
    { type: 'started' },
    { type: 'settled' },
    { type: 'block' },
    { type: 'unblock' },
    { type: 'attach' },
    { type: 'detach' },
    { type: 'cleanup' },
    { type: 'cleaned' },
    { type: 'cleanup-failed' },
  ],
  rows: [
    { from: ['new'], on: 'provision', to: 'provisioning', actions: ['addWorktree'] },
    { from: ['new'], on: 'cleanup', to: 'cleaning', actions: ['removeWorktree'] },
    { from: ['provisioning'], on: 'provisioned', to: 'ready' },
    { from: ['provisioning'], on: 'provision-failed', to: 'cleaning', actions: ['removeWorktree'] },
    { from: ['provisioning'], on: 'cleanup', to: 'cleaning', actions: ['abortProvisioning'] },
    { from: ['ready'], on: 'started', to: 'running', change: runs(true) },
    { from: ['running'], on: 'settled', to: 'ready', change: runs(false) },
    { from: ['running'], on: 'block', to: 'blocked' },
    { from: ['blocked'], on: 'unblock', when: ({ attached }) => attached >= 2, to: 'shared' },
    { from: ['blocked'], on: 'unblock', to: 'running' },
    { from: ['shared'], on: 'started', when: ({ running }) => !running, change: runs(true) },
    { from: ['shared'], on: 'settled', when: ({ running }) => running, change: runs(false) },
    { from: ['ready', 'running'], on: 'attach', when: one, to: 'shared', change: more },
    { from: ['ready', 'running', 'blocked', 'shared'], on: 'attach', change: more },
    { from: ['ready', 'running', 'blocked'], on: 'detach', when: one, change: fewer },
    { from: ['shared'], on: 'detach', when: lastShared(true), to: 'running', change: fewer },
    { from: ['shared'], on: 'detach', when: lastShared(false), to: 'ready', change: fewer },
    { from: ['shared'], on: 'detach', change: fewer },
    { from: ['ready', 'running', 'blocked', 'shared'], on: 'cleanup', to: 'cleaning', actions: ['endEverything'] },
    { from: ['cleaning'], on: 'cleaned', to: 'closed' },
    { from: ['cleaning'], on: 'cleanup-failed', actions: ['retryRemoval'] },
    { from: ['cleaning', 'closed'], on: 'cleanup' },
  ],
}
