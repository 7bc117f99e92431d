import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessTable } from '../../ports/process-table.port.ts'
import type { ProcessKey } from '../../protocols/process-key.ts'

/** recovering: records of a process that died are being closed; nothing is removed meanwhile. */
export type OrchestratorState = 'recovering' | 'ready' | 'stopping'

/** What an orchestrator says of itself, in the repository: found whatever XDG_… says elsewhere. */
export type OrchestratorRecord = ProcessKey & {
  readonly startedAt: number
  readonly state: OrchestratorState
  /** What it waits for while it stops. */
  readonly phase: string | null
  readonly socket: string
  /** Null: it was started in the foreground and logs to its terminal. */
  readonly log: string | null
  readonly version: string
  /** What the process before it left; null until that is known. */
  readonly recovered: Recovered | null
  /** Settings that were changed since it started and that it takes over only when it is started again. */
  readonly pending: readonly string[]
}

export type Recovered = {
  /** Runs whose process died, now recorded as interrupted. */
  readonly interruptedRuns: number
  /** Lanes of such runs that are still there: `signalbox doctor --fix` cleans them. */
  readonly openLanes: number
  /** Lanes of their own, kept until they are removed, that were brought back. */
  readonly keptLanes: number
  /** Terminals that outlived their orchestrator and were taken over, and the runs that went on with them. */
  readonly adoptedTerminals: number
  readonly adoptedRuns: number
  /** Terminals that ended with the process that held them. */
  readonly lostTerminals: number
}

const pathOf = (commonDir: string): string => join(commonDir, 'signalbox', 'orchestrator.json')

/** What an orchestrator locks for as long as it lives. */
export const lockOf = (commonDir: string): string => join(commonDir, 'signalbox', 'orchestrator')

/** Whole at any moment. */
export const writeRecord = (commonDir: string, record: OrchestratorRecord): void => {
  const path = pathOf(commonDir)
  const draft = `${path}.${record.pid}`
  writeFileSync(draft, `${JSON.stringify(record)}\n`, { mode: 0o600 })
  renameSync(draft, path)
}

export const removeRecord = (commonDir: string): void => rmSync(pathOf(commonDir), { force: true })

const isRecord = (value: unknown): value is OrchestratorRecord => {
  if (typeof value !== 'object' || value === null) return false
  const { pid, startTime, bootId, startedAt, state, socket } = value as Record<string, unknown>
  const key = typeof pid === 'number' && typeof startTime === 'string' && typeof bootId === 'string'
  return key && typeof startedAt === 'number' && typeof state === 'string' && typeof socket === 'string'
}

const parse = (text: string): OrchestratorRecord | null => {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

/**
 * @returns the orchestrator that runs, and the one that died without taking its record back. It is its identity that
 *   counts: a pid may long be another's.
 */
export const readRecord = (
  commonDir: string,
  table: Pick<ProcessTable, 'isAlive'>,
): { readonly living: OrchestratorRecord | null; readonly dead: OrchestratorRecord | null } => {
  let text: string
  try {
    text = readFileSync(pathOf(commonDir), 'utf8')
  } catch {
    return { living: null, dead: null }
  }
  const record = parse(text)
  if (record === null) return { living: null, dead: null }
  return table.isAlive(record) ? { living: record, dead: null } : { living: null, dead: record }
}

const many = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** In words; nothing when there is nothing to say. */
export const recoveredText = ({
  interruptedRuns,
  openLanes,
  keptLanes,
  lostTerminals,
  adoptedRuns,
  adoptedTerminals,
}: Recovered): readonly string[] => [
  ...(adoptedTerminals > 0 ? [`${many(adoptedTerminals, 'terminal')} taken over: the terminal host had kept them`] : []),
  ...(adoptedRuns > 0 ? [`${many(adoptedRuns, 'run')} of a process that died: gone on with`] : []),
  ...(interruptedRuns > 0 ? [`${many(interruptedRuns, 'run')} of a process that died: interrupted`] : []),
  ...(lostTerminals > 0 ? [`${many(lostTerminals, 'terminal')} lost: what held them died; signalbox term ls shows them`] : []),
  ...(keptLanes > 0 ? [`${many(keptLanes, 'lane')} brought back`] : []),
  ...(openLanes > 0 ? [`${many(openLanes, 'lane')} of such runs may still be there: signalbox doctor --fix`] : []),
]
