import { writeSync } from 'node:fs'
import type { EventStore } from '../../src/ports/event-store.port.ts'
import type { Pty, TerminalHost } from '../../src/ports/terminal-host.port.ts'
import type { Worktrees } from '../../src/ports/worktrees.port.ts'
import type { Decorators } from '../../src/runtime/options.ts'

export type Effect = 'worktree-added' | 'terminal-spawned' | 'command-exited' | 'worktree-removed' | 'record-written'

/** Where a process kills itself: exactly before or after the nth occurrence of an effect. */
export type CrashPoint = {
  readonly effect: Effect
  readonly side: 'before' | 'after'
  /** 1 is the first. */
  readonly nth: number
  /** Counts only commits that store an event of this type. */
  readonly event?: string
}

export const nameOf = ({ effect, side, nth, event }: CrashPoint): string =>
  `${side} ${effect}${event === undefined ? '' : ` (${event})`} #${nth}`

/** What the crash child is told. */
export type CrashTask = {
  readonly workspace: string
  readonly stateHome: string
  readonly plan: unknown
  /** Null: runs to the end. */
  readonly point: CrashPoint | null
}

type Passing = (effect: Effect, side: 'before' | 'after', events?: readonly string[]) => void

/** Ends this process as `kill -9` does, at the point. Written synchronously: nothing runs afterwards. */
const passing = (point: CrashPoint): Passing => {
  let count = 0
  return (effect, side, events) => {
    if (effect !== point.effect || side !== point.side) return
    if (point.event !== undefined && events?.includes(point.event) !== true) return
    count += 1
    if (count !== point.nth) return
    writeSync(1, `${JSON.stringify({ hit: nameOf(point) })}\n`)
    process.kill(process.pid, 'SIGKILL')
  }
}

const around = <T>(pass: Passing, effect: Effect, act: () => Promise<T>, events?: readonly string[]): Promise<T> => {
  pass(effect, 'before', events)
  return act().then((done) => {
    pass(effect, 'after', events)
    return done
  })
}

/** Before: the process is gone and its output is drained, nobody was told; after: that is on record. */
const watched = (pass: Passing, pty: Pty): Pty => {
  const exited = pty.exited.then((exit) => {
    pass('command-exited', 'before')
    return exit
  })
  return new Proxy(pty, {
    get(target, key) {
      if (key === 'exited') return exited
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Puts the point around the adapters of a runtime. */
export const crashAt = (point: CrashPoint): Decorators => {
  const pass = passing(point)
  return {
    worktrees: (inner: Worktrees): Worktrees => ({
      ...inner,
      add: (spec, signal) => around(pass, 'worktree-added', () => inner.add(spec, signal)),
      remove: (worktree) => around(pass, 'worktree-removed', () => inner.remove(worktree)),
    }),
    terminals: (inner: TerminalHost): TerminalHost => ({
      spawn: async (spec) => watched(pass, await around(pass, 'terminal-spawned', () => inner.spawn(spec))),
      get: (ptyId) => inner.get(ptyId),
      list: () => inner.list(),
      close: (graceMs) => inner.close(graceMs),
    }),
    store: (inner: EventStore): EventStore => ({
      get putAside() {
        return inner.putAside
      },
      commit: async (commit) => {
        const types = commit.events.map(({ type }) => type)
        const stored = await around(pass, 'record-written', () => inner.commit(commit), types)
        if (types.includes('pty.exited')) pass('command-exited', 'after')
        return stored
      },
      events: (query) => inner.events(query),
      record: (kind, id) => inner.record(kind, id),
      records: (kind) => inner.records(kind),
      forgetRunsBefore: (at) => inner.forgetRunsBefore(at),
      close: () => inner.close(),
    }),
  }
}
