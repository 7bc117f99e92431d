import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { createCgroups, createNoCgroups } from '../../../src/adapters/cgroups.ts'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { ProcessTable } from '../../../src/ports/process-table.port.ts'
import { openKit, sh, until, untilOutput } from './terminal-kit.ts'

/** A daemon as of old: own session, its parent gone, its terminal let go, deaf to everything but SIGKILL. */
const DEAF_DAEMON = `(setsid sh -c 'trap "" TERM HUP INT; echo up; exec </dev/null >/dev/null 2>&1; while :; do sleep 1; done' &);`

const { contain } = createCgroups().support()

describe.each([
  { by: 'its mark', cgroups: createNoCgroups('not here'), skip: false },
  { by: `its control group${contain.ok ? '' : ` (${contain.why})`}`, cgroups: createCgroups(), skip: !contain.ok },
])('the end of the whole tree, found by $by', ({ cgroups, skip }) => {
  beforeEach(({ skip: skipTest }) => skipTest(skip))

  it('kills a setsid, double-forked grandchild that ignores SIGTERM, and names it [PTY-7]', async () => {
    await using kit = openKit({ cgroups })
    const spec = sh(`${DEAF_DAEMON} trap "" TERM HUP; sleep 0.2; echo ready; while :; do sleep 1; done`)
    const pty = await kit.host.spawn(spec)
    await untilOutput(pty, 'ready')
    const exit = await pty.terminate({ graceMs: 100, askedBy: 'test' })
    expect(exit.signal).toBe('SIGKILL')
    expect(exit.survivors).toContainEqual({ pid: expect.any(Number), command: expect.stringContaining('trap "" TERM'), endedBy: 'SIGKILL' })
    expect(await kit.processTable.findByMark(spec.mark)).toEqual([])
    expect(await pty.signals()).toContainEqual(
      expect.objectContaining({
        signal: 'SIGKILL',
        target: expect.objectContaining({ scope: cgroups.support().contain.ok ? 'cgroup' : 'survivor' }),
      }),
    )
  })

  for (const [where, prefix] of [
    ['in its group', ''],
    ['in a session of its own', 'setsid '],
  ] as const) {
    it(`what a leader ran ${where} has the whole grace and one SIGTERM, also where the leader ends at once [PTY-7]`, async () => {
      let ahead = 0
      await using kit = openKit({ cgroups, clock: { ...systemClock, monotonic: () => systemClock.monotonic() + ahead } })
      const go = join(kit.directory, 'go')
      // SIGHUP ignored: the kernel sends it to the group in the foreground when the leader of a session ends.
      const server = `trap 'n=$((n+1))' TERM; trap '' HUP; echo ready; while [ ! -e "$GO" ]; do sleep 0.02; done; echo "asked $n time" > "$GO.done"`
      const pty = await kit.host.spawn(sh(`${prefix}sh -c "$SERVER" & wait`, { extraEnv: { GO: go, SERVER: server } }))
      await untilOutput(pty, 'ready')
      const ending = pty.terminate({ graceMs: 60_000, askedBy: 'test' })
      await until('the leader has ended', () => !kit.processTable.isAlive(pty.identity))
      await until('it was found', async () =>
        (await pty.signals()).some(({ signal, target }) => target.scope === 'survivor' && signal === 'SIGCONT'),
      )
      ahead = 30_000 // half of the grace is over
      writeFileSync(go, '')
      expect(await ending).toMatchObject({ signal: 'SIGTERM' })
      expect(readFileSync(`${go}.done`, 'latin1')).toBe('asked 1 time\n')
    })
  }

  it('ends what a leader leaves behind when it exits by itself [PTY-7]', async () => {
    await using kit = openKit({ cgroups })
    const spec = sh('setsid sleep 3600 & (setsid sleep 3601 &) ; sleep 0.1; exit 0')
    const pty = await kit.host.spawn(spec)
    const { exitCode, survivors } = await pty.exited
    expect(exitCode).toBe(0)
    expect(survivors.map(({ command, endedBy }) => `${command} ${endedBy}`).sort()).toEqual(['sleep 3600 SIGTERM', 'sleep 3601 SIGTERM'])
    expect(await kit.processTable.findByMark(spec.mark)).toEqual([])
  })

  it('ends a survivor that is stopped [PTY-7]', async () => {
    await using kit = openKit({ cgroups })
    const spec = sh('setsid sh -c "kill -STOP \\$\\$; sleep 3600" & sleep 0.2')
    const { survivors } = await (await kit.host.spawn(spec)).exited
    expect(survivors).toEqual([{ pid: expect.any(Number), command: expect.stringContaining('sh -c'), endedBy: 'SIGTERM' }])
    expect(await kit.processTable.findByMark(spec.mark)).toEqual([])
  })

  it('where it cannot be known whether SIGTERM is ignored, SIGHUP follows after half of the grace [PTY-7]', async () => {
    const { ignores: _, ...processTable } = createProcessTable()
    await using kit = openKit({ cgroups, processTable })
    const pty = await kit.host.spawn(sh('trap "" TERM; echo ready; while :; do sleep 0.05; done'))
    await untilOutput(pty, 'ready')
    expect(await pty.terminate({ graceMs: 5_000, askedBy: 'test' })).toMatchObject({ signal: 'SIGHUP' })
    expect((await pty.signals()).map(({ signal }) => signal)).toEqual(['SIGTERM', 'SIGCONT', 'SIGHUP'])
  })

  it('ends survivors that start new ones when they are ended [PTY-7]', async () => {
    await using kit = openKit({ cgroups })
    const spawner = `again() { setsid sh -c "$BODY" & }; trap "again; exit" TERM; while :; do sleep 0.02; done`
    const spec = sh('setsid sh -c "$BODY" & sleep 0.2', { extraEnv: { BODY: spawner } })
    const { survivors } = await (await kit.host.spawn(spec)).exited
    expect(survivors.length).toBeGreaterThan(1)
    expect(survivors.every(({ endedBy }) => endedBy !== 'survived')).toBe(true)
    expect(await kit.processTable.findByMark(spec.mark)).toEqual([])
  })

  it('ends jobs of an interactive shell, which have groups of their own [PTY-7]', async () => {
    await using kit = openKit({ cgroups })
    const spec = sh('set -m; sleep 3600 & sleep 3601 & echo ready; fg')
    const pty = await kit.host.spawn(spec)
    await untilOutput(pty, 'ready')
    await pty.terminate({ graceMs: 5_000, askedBy: 'test' })
    expect(await kit.processTable.findByMark(spec.mark)).toEqual([])
  })

  it('touches only processes with exactly the mark [PTY-7]', async () => {
    await using kit = openKit({ cgroups })
    const other = sh('echo ready; exec sleep 3600')
    const pty = await kit.host.spawn(other)
    const similar = await kit.host.spawn(sh('setsid sleep 3600 & sleep 0.1', { mark: other.mark.slice(0, -1) }))
    expect((await similar.exited).survivors).toHaveLength(1)
    expect(kit.processTable.isAlive(pty.identity)).toBe(true)
  })

  it('a terminate that comes while survivors have their grace shortens it [PTY-7]', async () => {
    let frozenAt = 0
    const clock = { ...systemClock, monotonic: () => frozenAt || systemClock.monotonic() }
    await using kit = openKit({ cgroups, clock })
    const pty = await kit.host.spawn(sh(`${DEAF_DAEMON} sleep 0.1; exit 0`))
    await until('the survivor was asked to end', async () => (await pty.signals()).some(({ signal }) => signal === 'SIGTERM'))
    frozenAt = systemClock.monotonic() // from here on no grace ends by itself
    const { exitCode, survivors } = await pty.terminate({ graceMs: 0, askedBy: 'test' })
    expect(exitCode).toBe(0)
    expect(survivors).not.toEqual([])
  })

  it('PTYs that end at the same time share passes over the process table [PTY-7]', async () => {
    const real = createProcessTable()
    let passes = 0
    const processTable: ProcessTable = {
      ...real,
      findByMark: (prefix) => {
        passes += 1
        return real.findByMark(prefix)
      },
    }
    await using kit = openKit({ cgroups, processTable })
    const ptys = await Promise.all(Array.from({ length: 30 }, () => kit.host.spawn(sh('exec sleep 3600'))))
    await kit.host.close(0)
    await Promise.all(ptys.map((pty) => pty.exited))
    expect(passes).toBeGreaterThan(0)
    expect(passes).toBeLessThan(30)
  })

  it('sends nothing to a pid that is no longer the same process [PTY-8]', async () => {
    const real = createProcessTable()
    let reused = false
    const processTable: ProcessTable = { ...real, isAlive: (identity) => !reused && real.isAlive(identity) }
    await using kit = openKit({ cgroups, processTable })
    const pty = await kit.host.spawn(sh('trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'))
    await untilOutput(pty, 'ready')
    reused = true
    expect((await pty.signal('SIGKILL', 'test')).outcome).toBe('gone')
    reused = false
    expect(real.isAlive(pty.identity)).toBe(true)
    await pty.signal('SIGTERM', 'test')
    expect((await pty.exited).exitCode).toBe(9)
  })

  it('goes on ending processes when a look at the table fails [PTY-7]', async () => {
    const real = createProcessTable()
    let failures = 2
    const processTable: ProcessTable = {
      ...real,
      findByMark: (prefix) => (failures-- > 0 ? Promise.reject(new Error('no descriptors')) : real.findByMark(prefix)),
    }
    await using kit = openKit({ cgroups, processTable })
    const spec = sh('setsid sleep 3600 & sleep 0.1')
    expect((await (await kit.host.spawn(spec)).exited).survivors).toHaveLength(1)
    expect(await real.findByMark(spec.mark)).toEqual([])
  })
})
