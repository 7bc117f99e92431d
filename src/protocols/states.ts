// States of the machines of lanes and PTYs, without the machines: for who only shows them.

/** Of the machine `lane`. */
export type LaneState = 'new' | 'provisioning' | 'ready' | 'running' | 'blocked' | 'shared' | 'cleaning' | 'closed'
/** Those of a lane that has its worktree. */
export const STANDING: ReadonlySet<LaneState> = new Set<LaneState>(['ready', 'running', 'blocked', 'shared'])
/** Of the machine `pty`. */
export type PtyState = 'idle' | 'spawning' | 'active' | 'throttled' | 'errored' | 'stopped'
