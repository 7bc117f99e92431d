import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createNoCgroups } from '../../../src/adapters/cgroups.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { openKit, sh, until, untilOutput } from './terminal-kit.ts'

/** The freezer of cgroup v1 holds a process in the kernel, where not even SIGKILL reaches it. Null where there is none. */
const makeFreezer = (): { freeze: (pid: number) => void; thaw: () => void; [Symbol.dispose]: () => void } | null => {
  const path = `/sys/fs/cgroup/freezer/signalbox-test-${process.pid}`
  try {
    mkdirSync(path)
  } catch {
    return null
  }
  const thaw = (): void => writeFileSync(`${path}/freezer.state`, 'THAWED')
  return {
    freeze(pid) {
      writeFileSync(`${path}/cgroup.procs`, String(pid))
      writeFileSync(`${path}/freezer.state`, 'FROZEN')
    },
    thaw,
    [Symbol.dispose]() {
      thaw()
      try {
        rmdirSync(path)
      } catch {
        // somebody is in it still
      }
    },
  }
}
const probe = makeFreezer()
probe?.[Symbol.dispose]()
const without = probe === null ? ' (skipped: no freezer of cgroup v1 that may be written to)' : ''

/** Waits for a vforked child that sleeps, so that it is in the kernel itself (state D). */
const VFORK = `import ctypes
print("ready", flush=True)
if ctypes.CDLL(None).vfork() == 0:
  ctypes.CDLL(None).sleep(3600)
`

describe('what cannot be ended', () => {
  it.skipIf(probe === null)(
    `a leader in the kernel is reported with its state after a bound, and the terminal is over${without} [PTY-9]`,
    async () => {
      // A clock that leaps: the bound is seconds.
      let ahead = 0
      const clock = {
        ...systemClock,
        monotonic: () => systemClock.monotonic() + ahead,
        setTimer: (ms: number, run: () => void) => systemClock.setTimer(Math.min(ms, 200), run),
      }
      using freezer = makeFreezer()
      await using kit = openKit({ clock, cgroups: createNoCgroups('not here') })
      const pty = await kit.host.spawn(sh('echo ready; exec sleep 3600'))
      await untilOutput(pty, 'ready')
      freezer?.freeze(pty.identity.pid)
      const ending = pty.terminate({ graceMs: 0, askedBy: 'test' })
      ahead = 6_000
      const exit = await ending
      expect(exit).toMatchObject({ exitCode: null, signal: null })
      expect(exit.survivors).toEqual([
        {
          pid: pty.identity.pid,
          command: 'sleep 3600',
          endedBy: 'survived',
          left: { state: 'D', why: expect.stringMatching(/^SIGKILL does not end it: it sleeps in \S+ of the kernel$/u) },
        },
      ])
      expect(kit.host.list()).toEqual([])
      freezer?.thaw()
      await until('it ends when the kernel lets it', () => !kit.processTable.isAlive(pty.identity))
    },
  )

  it.skipIf(process.platform !== 'linux')(
    'a leader that waits for its vforked child in the kernel is ended, with the child (Linux) [PTY-9]',
    async () => {
      await using kit = openKit()
      const spec = sh('exec python3 -c "$VFORK"', { extraEnv: { VFORK } })
      const pty = await kit.host.spawn(spec)
      await until('it waits in the kernel', () => kit.processTable.describe?.(pty.identity.pid)?.state === 'D')
      const { signal, survivors } = await pty.terminate({ graceMs: 50, askedBy: 'test' })
      expect(signal).toMatch(/^SIG(TERM|KILL)$/u) // SIGTERM ends the child, which lets the leader meet its own
      expect(survivors.every(({ endedBy }) => endedBy !== 'survived')).toBe(true)
      expect(await kit.processTable.findByMark(spec.mark)).toEqual([])
    },
  )
})
