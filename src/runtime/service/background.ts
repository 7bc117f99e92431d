import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { type Clock, pause } from '../../ports/clock.port.ts'
import type { ProcessTable } from '../../ports/process-table.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import { inherited } from '../make-services.ts'
import { type OrchestratorRecord, readRecord } from './orchestrator-record.ts'
import { openLogFile, tailOf } from './service-log.ts'

/** How often the record is looked at. */
const LOOK_MS = 25
/** A start is git, the store and its recovery; a stop is the graces of what runs, each phase with a limit of its own. */
const START_LIMIT_MS = 60_000
const LAST_LINES = 20
/** Before another attempt, when somebody has the lock without a record. */
const AGAIN_MS = 250

/** Exit code of a program that found another orchestrator. Source: EX_TEMPFAIL of sysexits.h */
export const ANOTHER_RUNS = 75

/**
 * How Node is started for an orchestrator, which waits most of the time: new objects get half of the room that they have by
 * default before they are collected. That is 10 MB less at rest, and nothing measurable at work (bench `control`).
 */
export const ORCHESTRATOR_NODE_ARGS: readonly string[] = ['--max-semi-space-size=8']

export type Place = { readonly commonDir: string; readonly root: string }
export type Parts = { readonly clock: Clock; readonly table: Pick<ProcessTable, 'isAlive' | 'signal'> }

type Attempt = {
  readonly pid: number | undefined
  /** Null while it runs. */
  readonly ended: () => string | null
  /** Ends it, as another one runs: left alone it would become the orchestrator when that one is stopped. */
  abandon(): Promise<void>
}

const launch = ({ root }: Place, [program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv, log: string): Attempt => {
  const fd = openLogFile(log)
  const child = spawn(program, args, { cwd: root, env: inherited(env), detached: true, stdio: ['ignore', fd, fd] })
  closeSync(fd)
  let end: string | null = null
  const over = Promise.withResolvers<void>()
  child.once('error', ({ message }) => {
    end ??= message
    over.resolve()
  })
  child.once('exit', (code, signal) => {
    end ??= signal ?? String(code)
    over.resolve()
  })
  child.unref()
  return {
    pid: child.pid,
    ended: () => end,
    async abandon() {
      if (end !== null) return
      child.ref()
      child.kill('SIGKILL')
      await over.promise
    },
  }
}

export type Started = {
  readonly record: OrchestratorRecord
  /** False: it ran already, or another started one at the same moment. */
  readonly isNew: boolean
}

/**
 * Starts an orchestrator that outlives this process: in a session of its own, with no descriptor of ours but the log, and
 * waits until it is ready.
 * @param argv the program that becomes it, which logs to `log`
 * @throws ERR_ORCHESTRATOR_FAILED with its last lines
 */
export const startInBackground = async (
  place: Place,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  log: string,
  { clock, table }: Parts,
): Promise<Started> => {
  const before = readRecord(place.commonDir, table).living
  if (before?.state === 'ready') return { record: before, isNew: false }
  let attempt = launch(place, argv, env, log)
  for (const limit = clock.monotonic() + START_LIMIT_MS; ; await pause(clock, LOOK_MS)) {
    // Read before the record: one that was written and taken back meanwhile counts as ended.
    const ended = attempt.ended()
    const { living } = readRecord(place.commonDir, table)
    if (living?.state === 'ready') {
      const isNew = living.pid === attempt.pid
      if (!isNew) await attempt.abandon()
      return { record: living, isNew }
    }
    if (ended === String(ANOTHER_RUNS) && living === null && clock.monotonic() < limit) {
      // Who holds the lock has not said who it is yet, or is about to let go of it.
      await pause(clock, AGAIN_MS)
      if (readRecord(place.commonDir, table).living === null) attempt = launch(place, argv, env, log)
      continue
    }
    const isOver = ended !== null && ended !== String(ANOTHER_RUNS) && living === null
    if (!isOver && clock.monotonic() < limit) continue
    const why = isOver
      ? `it ended with ${/^\d+$/u.test(ended) ? `exit code ${ended}` : ended}`
      : `it did not become ready within ${START_LIMIT_MS / 1_000} s`
    const text = [`the orchestrator of ${place.root} did not start: ${why}`, ...tailOf(log, LAST_LINES)].join('\n')
    throw new SignalboxError('ERR_ORCHESTRATOR_FAILED', text, { context: { log, pid: attempt.pid ?? null } })
  }
}

/**
 * Asks an orchestrator to stop and waits until its process is gone; as long as it says what it waits for, so long it has.
 * @param keep hand over what can live on, instead of ending everything
 * @param told each phase as it begins
 * @throws ERR_ORCHESTRATOR_FAILED when it dies before its record is taken back
 */
export const stopRunning = async (
  place: Place,
  running: OrchestratorRecord,
  keep: boolean,
  told: (phase: string) => void,
  { clock, table }: Parts,
): Promise<void> => {
  let phase: string | null = null
  table.signal(running, keep ? 'SIGTERM' : 'SIGINT')
  while (table.isAlive(running)) {
    const { living } = readRecord(place.commonDir, table)
    if (living !== null && living.pid === running.pid && living.phase !== phase) {
      phase = living.phase
      if (phase !== null) told(phase)
    }
    await pause(clock, LOOK_MS)
  }
  const { dead } = readRecord(place.commonDir, table)
  if (dead === null || dead.pid !== running.pid) return
  throw new SignalboxError(
    'ERR_ORCHESTRATOR_FAILED',
    [`the orchestrator, pid ${running.pid}, died while it stopped`, ...(running.log === null ? [] : tailOf(running.log, LAST_LINES))].join(
      '\n',
    ),
    { context: { pid: running.pid } },
  )
}
