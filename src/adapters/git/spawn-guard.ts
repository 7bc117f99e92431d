import { subscribe } from 'node:diagnostics_channel'

/**
 * Where no file descriptor is free, node makes a child without streams and emits `error` on it a moment later.
 * simple-git 4.0.2 trips over the missing streams before it listens for that error, which would then end this process.
 * A listener on every new child (node's `child_process` channel) takes it where it is about git, and behaves as if it
 * were not there for the children of others.
 */
type Child = { listenerCount(event: string): number; on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown }

let guarding = false

/** Idempotent. */
export const guardSpawns = (): void => {
  if (guarding) return
  guarding = true
  subscribe('child_process', (message) => {
    const child = (message as { process: Child }).process
    child.on('error', (error) => {
      if (error.path === 'git' || child.listenerCount('error') > 1) return
      throw error
    })
  })
}
