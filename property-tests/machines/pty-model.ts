import type { PtyContext, PtyEvent, PtyState } from '../../src/protocols/pty.machine.ts'
import type { Model } from './machine-model.ts'

const stopping = (): PtyContext => ({ stopping: true })
const clean = (context: PtyContext, event: PtyEvent): boolean => context.stopping || (event.type === 'exited' && event.clean)

/** The PTY's life as DESIGN "Machines" tells it. */
export const ptyModel: Model<PtyState, PtyContext, PtyEvent> = {
  start: { state: 'idle', context: { stopping: false } },
  invalid: 'ERR_PTY_INVALID_TRANSITION',
  seldom: ['terminate', 'spawn-failed', 'lost', 'exited', 'dispose'],
  states: ['idle', 'spawning', 'active', 'throttled', 'errored', 'stopped'],
  events: [
    { type: 'spawn' },
    { type: 'spawned' },
    { type: 'spawn-failed' },
    { type: 'idle' },
    { type: 'activity' },
    { type: 'terminate' },
    { type: 'exited', clean: true },
    { type: 'exited', clean: false },
    { type: 'lost' },
    { type: 'dispose' },
  ],
  rows: [
    { from: ['idle'], on: 'spawn', to: 'spawning', actions: ['startProcess'] },
    { from: ['spawning'], on: 'spawned', to: 'active' },
    { from: ['spawning'], on: 'spawn-failed', to: 'errored' },
    { from: ['spawning'], on: 'terminate', to: 'stopped', change: stopping, actions: ['endLateProcess'] },
    { from: ['active'], on: 'idle', to: 'throttled' },
    { from: ['throttled'], on: 'activity', to: 'active' },
    { from: ['active', 'throttled'], on: 'terminate', change: stopping, actions: ['endProcess'] },
    { from: ['active', 'throttled'], on: 'exited', when: clean, to: 'stopped' },
    { from: ['active', 'throttled'], on: 'exited', to: 'errored' },
    { from: ['active', 'throttled'], on: 'lost', to: 'errored' },
    { from: ['errored'], on: 'dispose', to: 'stopped' },
  ],
}
