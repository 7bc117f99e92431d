import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { createCgroups, createNoCgroups } from '../../../src/adapters/cgroups.ts'
import type { LimitName } from '../../../src/protocols/limits.ts'
import { lastLine, runScript } from './run-script.ts'
import { openKit, sh, text, until, untilOutput } from './terminal-kit.ts'

const { limits } = createCgroups().support()
const linux = process.platform === 'linux'
const isRoot = process.getuid?.() === 0
/** For the title of a test that needs a limit of control groups. */
const needs = (name: LimitName): string => (limits[name].ok ? '' : ` (skipped: ${limits[name].why})`)

/** Doubles what it holds until it is refused or killed. */
const EATER = `python3 -c 'import time
a=[]
for i in range(100):
  try: a.append(bytearray(10_000_000))
  except MemoryError:
    print("refused at", i); raise SystemExit(3)
print("had all")'`

describe('limits of a terminal', () => {
  it.skipIf(!limits.memoryBytes.ok)(
    `memory: the system ends what takes more, and it is known to be for that${needs('memoryBytes')} [PTY-7]`,
    async () => {
      await using kit = openKit()
      const [small, other] = await Promise.all([
        kit.host.spawn(sh(`exec ${EATER}`, { limits: { memoryBytes: 100_000_000 } })),
        kit.host.spawn(sh(`exec ${EATER}`, { limits: { memoryBytes: 3_000_000_000 } })),
      ])
      expect(small.limits).toEqual({ memoryBytes: 'cgroup' })
      expect(await small.exited).toMatchObject({ signal: 'SIGKILL', memoryKills: 1 })
      expect(await other.exited).toMatchObject({ exitCode: 0, memoryKills: 0 })
    },
  )

  it.skipIf(!limits.memoryBytes.ok)(`memory: all processes of a terminal count together${needs('memoryBytes')} [PTY-7]`, async () => {
    await using kit = openKit()
    const eater = `setsid -w python3 -c 'a=bytearray(60_000_000); import time; time.sleep(3600)'; echo ended $?`
    const pty = await kit.host.spawn(sh(`(${eater}) & (env -i PATH="$PATH" ${eater}) & wait`, { limits: { memoryBytes: 90_000_000 } }))
    await untilOutput(pty, 'ended 137') // the system chooses one of them
    const { memoryKills } = await pty.terminate({ graceMs: 100, askedBy: 'test' })
    expect(memoryKills).toBeGreaterThan(0)
  })

  it.skipIf(!limits.processes.ok)(
    `processes: a fork bomb is refused more, and its neighbour is not${needs('processes')} [PTY-4]`,
    async () => {
      await using kit = openKit()
      const bomb = await kit.host.spawn(
        sh('for i in $(seq 40); do setsid sleep 3600 & done; echo all; wait', { limits: { processes: 20 } }),
      )
      const neighbour = await kit.host.spawn(sh('for i in $(seq 40); do sleep 0.1 & done; wait; echo all', { limits: { processes: 60 } }))
      expect(bomb.limits).toEqual({ processes: 'cgroup' })
      await neighbour.exited
      expect(await text(neighbour)).toContain('all')
      await bomb.exited
      expect(await text(bomb)).toMatch(/fork|resource/iu)
      expect(await text(bomb)).not.toContain('all')
    },
  )

  it.skipIf(!limits.cpus.ok)(`cpus: a loop gets its share of a processor${needs('cpus')} [PTY-4]`, async () => {
    await using kit = openKit()
    const loop = 'while :; do :; done'
    const slow = await kit.host.spawn(sh(loop, { limits: { cpus: 0.1 } }))
    const usage = (): number => kit.processTable.usage?.(slow.identity)?.cpuMs ?? 0
    await until('it has had some time', () => usage() > 50)
    const [cpu, wall] = [usage(), performance.now()]
    await until('it has had more', () => usage() > cpu + 200)
    // A share of one tenth: the ratio is what is bounded, however slow the machine.
    expect((usage() - cpu) / (performance.now() - wall)).toBeLessThan(0.3)
  })

  it('a limit that is not to be had refuses the start and says which and why, or is done without where that is wanted [PTY-4]', async () => {
    await using kit = openKit({ cgroups: createNoCgroups('this machine has none') })
    await expect(kit.host.spawn(sh('exit 0', { limits: { cpus: 1 } }))).rejects.toMatchObject({
      code: 'ERR_PTY_LIMIT_UNAVAILABLE',
      message: expect.stringContaining('its limit cpus is not to be had here (this machine has none; no bound of a process does it)'),
      retryable: false,
    })
    const pty = await kit.host.spawn(sh('exit 7', { limits: { cpus: 1, ifMissing: 'run' } }))
    expect(pty.limits).toEqual({ cpus: 'missing' })
    expect(await pty.exited).toMatchObject({ exitCode: 7 })
  })

  it('limits of 0 are none [PTY-3]', async () => {
    await using kit = openKit({ cgroups: createNoCgroups('this machine has none') })
    const pty = await kit.host.spawn(sh('exit 0', { limits: { memoryBytes: 0, cpus: 0, processes: 0, ifMissing: 'fail' } }))
    expect(pty.limits).toEqual({})
  })

  it.skipIf(!linux)(
    'memory without control groups: each process is bounded by itself, and Node starts under it (Linux) [PTY-4]',
    async () => {
      await using kit = openKit({ cgroups: createNoCgroups('this machine has none') })
      const pty = await kit.host.spawn(sh(`node -e 'console.log("node starts")'; exec ${EATER}`, { limits: { memoryBytes: 700_000_000 } }))
      expect(pty.limits).toEqual({ memoryBytes: 'process' })
      expect(await pty.exited).toMatchObject({ exitCode: 3 })
      expect(await text(pty)).toMatch(/node starts\r\nrefused at 6\d/u)
    },
  )

  it.skipIf(!isRoot || !linux || spawnSync('setpriv', ['--reuid', '65534', 'true']).status !== 0)(
    'processes without control groups: counted over all of the user (needs root and setpriv, to be another user) [PTY-4]',
    async () => {
      const result = lastLine(
        await runScript('user-processes.ts', [], ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups']),
      )
      expect(result).toMatchObject({ limits: { processes: 'process' }, output: expect.stringMatching(/fork|resource/iu) })
    },
  )
})
