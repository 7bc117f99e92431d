import { AsyncLocalStorage } from 'node:async_hooks'

type Listener = (line: string) => void

/** Shared by all copies of the kit in a process: the command line has one, and the project that it runs may have another. */
const KEY = Symbol.for('signalbox.testing.recording')
const shared = globalThis as { [KEY]?: AsyncLocalStorage<Listener> }
const listeners = (shared[KEY] ??= new AsyncLocalStorage<Listener>())

/** Says what happens in a scenario, one line each: `simulate` does so by itself. Costs nothing unless somebody records. */
export const note = (line: string | (() => string)): void => {
  const listener = listeners.getStore()
  if (listener !== undefined) listener(typeof line === 'string' ? line : line())
}

/** Runs `act`, and hands on each line that is noted meanwhile. */
export const recorded = <T>(act: () => T, listener: Listener): T => listeners.run(listener, act)
