import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createCgroups } from '../../../src/adapters/cgroups.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { Cgroups } from '../../../src/ports/cgroups.port.ts'
import { removeLeftCgroups } from '../../../src/runtime/left-cgroups.ts'
import { openKit, sh, specOf, until, untilOutput } from './terminal-kit.ts'

const { contain } = createCgroups().support()
const without = contain.ok ? '' : ` (skipped: ${contain.why})`

/** Without our environment, without a session, a parent or a terminal in common, deaf to everything but SIGKILL. */
const UNMARKED_DAEMON = (pidFile: string): string =>
  `(env -i setsid sh -c 'trap "" TERM HUP INT; echo $$ > "${pidFile}"; exec </dev/null >/dev/null 2>&1; while :; do /bin/sleep 1; done' &);`

const isAlive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX]/su.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
const fdsOf = (pid: number): { fd: number; target: string }[] => {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => ({ fd: Number(fd), target: readlinkSync(`/proc/${pid}/fd/${fd}`) }))
  } catch {
    return [] // a sleep that ended meanwhile
  }
}
const groupOf = (pid: number): string => readFileSync(`/proc/${pid}/cgroup`, 'latin1')
const pidIn = (file: string): number => {
  try {
    return Number(readFileSync(file, 'latin1'))
  } catch {
    return 0
  }
}

describe.skipIf(!contain.ok)(`a control group per terminal${without}`, () => {
  it('holds the command from before its first instruction [PTY-7]', async () => {
    await using kit = openKit()
    const spec = sh('cat /proc/self/cgroup; read x')
    const pty = await kit.host.spawn(spec)
    await untilOutput(pty, `signalbox.${spec.mark.replaceAll('/', '.')}`)
    expect(groupOf(process.pid)).not.toContain(spec.ptyId)
  })

  it('ends a child that wiped its environment, left its session and its parent, and is deaf to SIGTERM [PTY-7]', async () => {
    await using kit = openKit()
    const file = join(kit.directory, 'pid')
    const spec = sh(`${UNMARKED_DAEMON(file)} echo ready; exec sleep 3600`)
    const pty = await kit.host.spawn(spec)
    await until('the daemon runs', () => pidIn(file) > 0)
    const daemon = pidIn(file)
    expect(readFileSync(`/proc/${daemon}/environ`, 'latin1')).not.toContain('SIGNALBOX')
    expect(await kit.processTable.findByMark(spec.mark)).toContainEqual(expect.objectContaining({ pid: daemon, mark: spec.mark }))
    const exit = await pty.terminate({ graceMs: 100, askedBy: 'test' })
    expect(isAlive(daemon)).toBe(false)
    expect(exit.survivors).toContainEqual({ pid: daemon, command: expect.stringContaining('trap "" TERM'), endedBy: 'SIGKILL' })
    expect(await pty.signals()).toContainEqual({
      at: expect.any(Number),
      signal: 'SIGKILL',
      target: { pid: pty.identity.pid, scope: 'cgroup', pids: expect.arrayContaining([daemon]) },
      askedBy: 'test',
      outcome: 'delivered',
    })
  })

  it('asks such a child to end first, and gives it the grace [PTY-7]', async () => {
    await using kit = openKit()
    const [file, ready] = [join(kit.directory, 'said'), join(kit.directory, 'ready')]
    const child = `cd "$1"; trap "echo asked > said; exit" TERM; : > ready; while :; do /bin/sleep 0.02; done`
    const spec = sh(`(env -i setsid sh -c '${child}' x "$DIR" &); while [ ! -e "$READY" ]; do sleep 0.02; done`, {
      extraEnv: { DIR: kit.directory, READY: ready },
    })
    const exit = await (await kit.host.spawn(spec)).exited
    expect(readFileSync(file, 'latin1')).toBe('asked\n')
    expect(exit.survivors).toContainEqual(expect.objectContaining({ endedBy: 'SIGTERM' }))
  })

  it('ends at one stroke what forks faster than it can be ended one by one [PTY-7]', async () => {
    await using kit = openKit()
    // Each ends at once when it has forked its successor: whoever is found is gone before a signal comes.
    const runner = 'import os\nwhile True:\n  if os.fork(): os._exit(0)\n'
    const spec = sh(`(env -i setsid /usr/bin/env python3 -c "$RUNNER" &); exec sleep 3600`, { extraEnv: { RUNNER: runner } })
    const pty = await kit.host.spawn(spec)
    const runners = async (): Promise<ReadonlySet<number>> =>
      new Set((await kit.processTable.findByMark(spec.mark)).filter(({ command }) => command.includes('os.fork')).map(({ pid }) => pid))
    const seen = new Set<number>()
    await until('it runs', async () => {
      for (const pid of await runners()) seen.add(pid)
      return seen.size > 3
    })
    const { survivors } = await pty.terminate({ graceMs: 0, askedBy: 'test' })
    expect(survivors.filter(({ endedBy }) => endedBy === 'survived')).toEqual([])
    expect(await kit.processTable.findByMark(spec.mark)).toEqual([])
    expect(await createCgroups().find(spec.mark)).toEqual([])
  })

  it('is gone when its terminal has ended, also where the start failed [PTY-9]', async () => {
    await using kit = openKit()
    const cgroups = createCgroups()
    const joins: string[] = []
    await using watched = openKit({
      cgroups: {
        ...cgroups,
        create: (mark, limits) => {
          const group = cgroups.create(mark, limits)
          joins.push(...(group?.joins ?? []))
          return group
        },
      },
    })
    await (
      await watched.host.spawn(sh('setsid sleep 3600 & exit 0'))
    ).exited
    await watched.host.spawn(specOf(['./gone'], { cwd: kit.directory })).catch(() => undefined)
    mkdirSync(join(kit.directory, 'cwd'))
    const starting = watched.host.spawn(specOf(['true'], { cwd: join(kit.directory, 'cwd') }))
    rmdirSync(join(kit.directory, 'cwd'))
    await expect(starting).rejects.toMatchObject({ code: 'ERR_PTY_CWD_NOT_FOUND' })
    expect(joins).toHaveLength(2)
    for (const path of joins) expect(() => statSync(path)).toThrow(/ENOENT/u)
  })

  it('a terminal without one, because its group cannot be joined, runs and is ended by its mark [PTY-7]', async () => {
    const real = createCgroups()
    await using kit = openKit({
      cgroups: {
        ...real,
        create: (mark) => {
          const group = real.create(mark)
          return group === null ? null : { ...group, joins: ['/proc/self/no such/cgroup.procs'] }
        },
      },
    })
    const child = `setsid sh -c ': > "$READY"; exec sleep 3600' &`
    const spec = sh(`${child} while [ ! -e "$READY" ]; do sleep 0.02; done; exit 3`, { extraEnv: { READY: join(kit.directory, 'ready') } })
    const { exitCode, survivors } = await (await kit.host.spawn(spec)).exited
    expect(exitCode).toBe(3)
    expect(survivors).toHaveLength(1)
  })

  it('what leaves it on purpose, as an orchestrator in the background does, outlives the terminal that it was started in [PTY-14]', async () => {
    await using kit = openKit()
    const file = join(kit.directory, 'pid')
    const script = fileURLToPath(new URL('fixtures/leaves-terminal.ts', import.meta.url))
    const start = `env -i setsid "${process.execPath}" "${script}" "${file}" </dev/null >/dev/null 2>&1 &`
    const pty = await kit.host.spawn(sh(`${start} read x`))
    await until('it has left', () => pidIn(file) > 0)
    const pid = pidIn(file)
    try {
      const { survivors } = await pty.terminate({ graceMs: 100, askedBy: 'test' })
      expect(survivors).toEqual([])
      expect(isAlive(pid)).toBe(true)
      expect(groupOf(pid)).toBe(groupOf(process.pid))
    } finally {
      process.kill(pid, 'SIGKILL')
    }
  })

  it('empty ones that are old go at a start, those with a process and young ones stay [PTY-9]', async () => {
    await using kit = openKit()
    const cgroups = createCgroups()
    const held = sh('echo ready; read x')
    await untilOutput(await kit.host.spawn(held), 'ready')
    const empty = cgroups.create(`ws_empty${process.pid}/pt_a/1`)
    const mine = async (): Promise<readonly string[]> => (await cgroups.find('ws_')).map(({ mark }) => mark)
    try {
      await removeLeftCgroups(cgroups, systemClock)
      expect(await mine()).toContain(`ws_empty${process.pid}/pt_a/1`)
      // Only of this test, as others run here, too.
      const ours: Cgroups = {
        ...cgroups,
        find: async (prefix) =>
          (await cgroups.find(prefix)).filter(({ mark }) => mark === held.mark || mark.includes(`empty${process.pid}`)),
      }
      const later = { ...systemClock, now: () => systemClock.now() + 61_000 }
      expect(await removeLeftCgroups(ours, later)).toEqual([`ws_empty${process.pid}/pt_a/1`])
      expect(await mine()).toContain(held.mark)
    } finally {
      empty?.remove()
    }
  })

  it('what a killed process left is found by its name and removed once it is empty; others stay [PTY-9]', async () => {
    const cgroups = createCgroups()
    const [ours, other] = [`ws_left${process.pid}/pt_a/1`, `ws_other${process.pid}/pt_a/1`].map((mark) => cgroups.create(mark))
    try {
      const [found, ...more] = await createCgroups().find(`ws_left${process.pid}/`)
      expect(more).toEqual([])
      expect(found).toMatchObject({ mark: `ws_left${process.pid}/pt_a/1`, madeAt: expect.any(Number) })
      expect(found?.pids()).toEqual([])
      expect(found?.remove()).toBe(true)
      expect(() => statSync(ours?.joins[0] ?? '')).toThrow(/ENOENT/u)
      expect(statSync(other?.joins[0] ?? '').isFile()).toBe(true)
    } finally {
      ours?.remove()
      other?.remove()
    }
  })

  it('of 100 terminals with children that leave session, parent and environment nothing lives after the close, and none held a foreign descriptor [PTY-7] [PTY-22]', async () => {
    await using kit = openKit()
    const pids = (index: number): string => join(kit.directory, `pid-${index}`)
    const specs = Array.from({ length: 100 }, (_, index) =>
      sh(`${UNMARKED_DAEMON(pids(index))} (setsid sh -c 'trap "" TERM HUP; while :; do sleep 1; done' &); echo ready; read x`),
    )
    const ptys = await Promise.all(specs.map((spec) => kit.host.spawn(spec)))
    await Promise.all(ptys.map((pty) => untilOutput(pty, 'ready')))
    await until('all daemons run', () => specs.every((_, index) => pidIn(pids(index)) > 0), 60_000)
    const daemons = specs.map((_, index) => pidIn(pids(index)))
    const everyone = await kit.processTable.findByMark(`ws_test${process.pid}/`)
    expect(everyone.length).toBeGreaterThan(300)
    for (const { pid } of everyone) {
      const own = fdsOf(pid)
      expect(own.filter(({ fd, target }) => fd > 2 && /ptmx|pts\/|socket:/u.test(target))).toEqual([])
    }
    await kit.host.close(200)
    expect(await kit.processTable.findByMark(`ws_test${process.pid}/`)).toEqual([])
    expect(daemons.filter(isAlive)).toEqual([])
    expect(await createCgroups().find(`ws_test${process.pid}/`)).toEqual([])
  }, 120_000)
})
