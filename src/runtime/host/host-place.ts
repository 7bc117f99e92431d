import { spawn, type StdioOptions } from 'node:child_process'
import { closeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tryGate } from '../../adapters/sqlite/gate.ts'
import { reachableSocket } from '../../adapters/system/reachable-socket.ts'
import { type Clock, pause } from '../../ports/clock.port.ts'
import type { ProcessTable } from '../../ports/process-table.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import type { HostPlace } from '../../terminal-host/remote-host.ts'
import { inherited } from '../make-services.ts'
import { openLogFile, tailOf } from '../service/service-log.ts'
import type { HostProcessOptions } from './host-process.ts'
import { hostLockOf, type HostRecord, readHostRecord, removeDeadHost } from './host-record.ts'

const LOOK_MS = 5
const START_LIMIT_MS = 30_000
const LAST_LINES = 10
/** Before another attempt, when somebody has the lock without a record. */
const AGAIN_MS = 100
/** How one ends that found another. */
const FOUND_ANOTHER = 'exit code 0'

/** It keeps little and allocates little: 7 MB less with 100 terminals, 12 with 300. Its terminals have environments of their own. */
const LEAN = ['--max-semi-space-size=1']
/** Else each thread that waits for a process has a heap of its own. */
const LEAN_ENV = { MALLOC_ARENA_MAX: '1' }

/** The same from `src/` and from `dist/`. */
const ENTRY = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './entry.ts' : './entry.js', import.meta.url))

type Parts = { readonly clock: Clock; readonly table: Pick<ProcessTable, 'isAlive'>; readonly env: NodeJS.ProcessEnv }

const launch = (options: HostProcessOptions, env: NodeJS.ProcessEnv) => {
  const fd = openLogFile(options.log)
  const stdio: StdioOptions = ['ignore', fd, fd]
  const argv = [...LEAN, ENTRY, JSON.stringify(options)]
  const child = spawn(process.execPath, argv, { cwd: '/', env: { ...inherited(env), ...LEAN_ENV }, detached: true, stdio })
  closeSync(fd)
  let end: string | null = null
  child.once('error', ({ message }) => (end ??= message))
  child.once('exit', (code, signal) => (end ??= signal ?? `exit code ${code}`))
  child.unref()
  return { pid: child.pid, ended: (): string | null => end }
}

/** The terminal host of a repository, started in a session of its own with nothing of ours but the log. */
export const hostPlace = (options: HostProcessOptions, { clock, table, env }: Parts): HostPlace => {
  const find = (): HostRecord | null => readHostRecord(options.commonDir, table)
  const identified = (record: HostRecord) => ({ socket: reachableSocket(record.socket), identity: record })
  return {
    find() {
      const record = find()
      return record === null ? null : identified(record)
    },
    async start() {
      let { pid, ended } = launch(options, env)
      for (const limit = clock.monotonic() + START_LIMIT_MS; clock.monotonic() < limit;) {
        const over = ended() // read before the record
        const record = find()
        if (record !== null) return identified(record)
        if (over !== null && over !== FOUND_ANOTHER) break
        await pause(clock, over === null ? LOOK_MS : AGAIN_MS)
        // Who had the lock has let go of it without being found: it was about to end.
        if (over !== null && find() === null) ({ pid, ended } = launch(options, env))
      }
      const end = ended()
      const why = end === null ? `it was not ready within ${START_LIMIT_MS / 1_000} s` : `it ended: ${end}`
      const text = [`the terminal host did not start: ${why}`, ...tailOf(options.log, LAST_LINES)].join('\n')
      throw new SignalboxError('ERR_HOST_FAILED', text, { context: { log: options.log, pid: pid ?? null } })
    },
    clear() {
      try {
        // Who starts meanwhile finds the lock taken, and is started again.
        using lock = tryGate(hostLockOf(options.commonDir))
        if (lock !== null) removeDeadHost(options.commonDir, table)
      } catch {
        // as where the repository was removed
      }
    },
  }
}

/** Beside the control socket. */
export const hostSocketPath = (controlSocket: string): string => join(dirname(controlSocket), 'terminals.sock')
