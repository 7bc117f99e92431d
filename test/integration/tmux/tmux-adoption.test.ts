import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { createCgroups } from '../../../src/adapters/cgroups.ts'
import type { ProcessIdentity } from '../../../src/ports/process-table.port.ts'
import type { PtyId } from '../../../src/protocols/ids.ts'
import { sh, text, until, untilOutput } from '../terminal/terminal-kit.ts'
import {
  clientPid,
  holderPid,
  noTmux,
  openTmux,
  processesOf,
  processTable,
  removePlaces,
  tmuxCommand,
  tmuxPlace,
  usingTmux,
} from './tmux-kit.ts'

const { contain } = createCgroups().support()
const without = contain.ok ? '' : ` (skipped: ${contain.why})`

type One = { readonly ptyId: PtyId; readonly identity: ProcessIdentity }
type Said = { readonly counter: One; readonly ending: One; readonly released: One }

/** A host in a process of its own, which is killed by -9 once it has said what it holds. */
const heldAndKilled = async (directory: string, ...args: readonly string[]): Promise<Said> => {
  const script = fileURLToPath(new URL('fixtures/holds-terminals.ts', import.meta.url))
  const child = spawn(process.execPath, [script, directory, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  child.kill('SIGKILL')
  await once(child, 'close')
  return JSON.parse(line.toString()) as Said
}

const lastCount = (output: string): number => Number(/count (\d+)(?!.*count \d)/s.exec(output)?.[1] ?? 0)

describe.skipIf(noTmux !== '')(`terminals of tmux that outlive their host${noTmux}`, () => {
  afterAll(removePlaces)

  it('a host killed by -9: the next finds each terminal by its id with its identity and its rows, and the counter runs on [PTY-14]', async () => {
    const directory = tmuxPlace()
    const { counter, ending, released } = await heldAndKilled(directory)
    await until('the control client died with its host', () => clientPid(directory) === 0)
    await using kit = await usingTmux(directory)
    expect(kit.host.list().map(({ ptyId, identity }) => ({ ptyId, identity }))).toEqual(expect.arrayContaining([counter, ending]))
    expect(kit.host.list()).toHaveLength(2)
    expect(kit.host.get(released.ptyId)).toBeUndefined()

    const pty = kit.host.get(counter.ptyId)
    if (pty === undefined) throw new Error('it is not there')
    const rows = await text(pty)
    expect(rows).toMatch(/^count 1\r\ncount 2\r\n/)
    const from = lastCount(rows)
    await until('it counts on', async () => lastCount(await text(pty)) > from + 5)
    const counts = [...(await text(pty)).matchAll(/count (\d+)\r\n/g)].map(([, count]) => Number(count))
    expect(counts).toEqual(counts.map((_, index) => index + 1)) // between the rows and what came after nothing is missing, nor twice
    await expect(kit.host.spawn(sh('true', { ptyId: counter.ptyId }))).rejects.toMatchObject({ code: 'ERR_PTY_INVALID_ARGUMENT' })

    const other = kit.host.get(ending.ptyId)
    await other?.write(Buffer.from('\n'))
    expect(await other?.exited).toMatchObject({ exitCode: 42, signal: null })
    expect(await pty.terminate({ graceMs: 5_000, askedBy: 'test' })).toMatchObject({ survivors: [] })
  })

  it('one that ended while nobody held it keeps its exit and its rows until it is released [PTY-14]', async () => {
    const directory = tmuxPlace()
    const first = await openTmux(directory)
    const pty = await first.spawn(
      sh('echo before; while [ -e "$LOCK" ]; do sleep 0.02; done; echo after; exit 42', { extraEnv: { LOCK: directory } }),
    )
    const ends = await first.spawn(sh('echo one; sleep 0.2; echo two; exit 42'))
    await untilOutput(pty, 'before')
    await untilOutput(ends, 'one')
    first.detach?.()
    await expect(first.spawn(sh('true'))).rejects.toMatchObject({ code: 'ERR_RUNTIME_CLOSED' })
    await until('it has ended', () => !processTable.isAlive(ends.identity))
    for (let again = 0; again < 2; again += 1) {
      const host = await openTmux(directory)
      const kept = host.get(ends.ptyId)
      expect(await kept?.exited).toMatchObject({ exitCode: 42, signal: null })
      expect(kept === undefined ? '' : await text(kept)).toBe('one\r\ntwo\r\n')
      if (again === 1) kept?.release()
      host.detach?.()
    }
    await using kit = await usingTmux(directory)
    expect(kit.host.get(ends.ptyId)).toBeUndefined()
    expect(kit.host.list()).toHaveLength(1)
  })

  it.skipIf(!contain.ok)(
    `one taken over keeps its control group: what wiped its environment and left its session ends with it${without} [PTY-7]`,
    async () => {
      const directory = tmuxPlace()
      const cgroups = createCgroups()
      const first = await openTmux(directory, { cgroups })
      const { ptyId, mark } = sh('')
      const daemon = `env -i setsid sh -c 'trap "" TERM HUP INT; echo "pid $$"; exec </dev/null >/dev/null 2>&1; while :; do /bin/sleep 1; done'`
      const pty = await first.spawn(sh(`(${daemon} &); exec sleep 3600`, { ptyId, mark }))
      await untilOutput(pty, 'pid ')
      const pid = Number(/pid (\d+)/u.exec(await text(pty))?.[1])
      first.detach?.()
      await using kit = await usingTmux(directory, { cgroups })
      await kit.host.get(ptyId)?.terminate({ graceMs: 100, askedBy: 'test' })
      expect(processTable.identify(pid)).toBe(null)
      expect(await cgroups.find(mark)).toEqual([])
    },
  )

  it('one whose memory nobody can read is ended, as nobody would ever do so [PTY-14]', async () => {
    const directory = tmuxPlace()
    const first = await openTmux(directory)
    const [pty, other] = await Promise.all([first.spawn(sh('exec sleep 3600')), first.spawn(sh('read x'))])
    tmuxCommand(directory, 'set-option', '-p', '-t', `:${pty.ptyId}`, '@signalbox', 'e30')
    first.detach?.()
    await using kit = await usingTmux(directory)
    expect(kit.host.list()).toMatchObject([{ ptyId: other.ptyId }])
    await until('it has ended', () => !processTable.isAlive(pty.identity))
  })

  it('a control client that had more to say when its host was killed ends with it [PTY-9]', async () => {
    const directory = tmuxPlace()
    const script = fileURLToPath(new URL('fixtures/floods.ts', import.meta.url))
    const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL') // while it does not read, so that its client cannot write
    await once(child, 'close')
    await until('there is no client', () => clientPid(directory) === 0)
    await using kit = await usingTmux(directory)
    expect(kit.host.list()).toHaveLength(1)
  })

  it('a server without terminals whose host died ends by itself [PTY-9]', async () => {
    const directory = tmuxPlace()
    await heldAndKilled(directory, 'empty')
    await until('nothing of it is left', () => processesOf(directory).length === 0, 40_000)
  })

  it('a server whose last holder was killed ends by itself, also where its pid is that of another process by now [PTY-9]', async () => {
    const directory = tmuxPlace()
    const { counter, ending } = await heldAndKilled(directory)
    await until('the control client died with its host', () => clientPid(directory) === 0)
    const holders = [counter, ending].map(({ ptyId }) => holderPid(directory, ptyId))
    for (const pid of holders) process.kill(pid, 'SIGKILL')
    renameSync(join(directory, `${holders[0]}.p`), join(directory, `${process.pid}.p`))
    await until('nothing of it is left', () => processesOf(directory).length === 0, 40_000)
  })
})
