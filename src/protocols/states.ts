/** States of the machines of lanes and PTYs, without the machines: for who only shows them. */
export type LaneState = 'new' | 'provisioning' | 'ready' | 'running' | 'blocked' | 'shared' | 'cleaning' | 'closed'
export type PtyState = 'idle' | 'spawning' | 'active' | 'throttled' | 'errored' | 'stopped'
