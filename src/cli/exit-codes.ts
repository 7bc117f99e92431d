import { CATALOGUE } from '../protocols/error-catalogue.ts'
import { type ErrorCode, isSignalboxError } from '../protocols/errors.ts'
import type { RunSummary } from '../protocols/summary.ts'

/** What the process ends with. 130 is what shells report for a program that was ended by Ctrl-C. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3, environment: 4, interrupted: 130 } as const

const NOT_FOUND: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_PLAN_NOT_FOUND',
  'ERR_RUN_NOT_FOUND',
  'ERR_CRASH_NOT_FOUND',
  'ERR_WORKSPACE_NOT_FOUND',
  'ERR_ACTOR_NOT_FOUND',
  'ERR_DEAD_LETTER_NOT_FOUND',
  'ERR_LANE_NOT_FOUND',
  'ERR_TERMINAL_NOT_FOUND',
  'ERR_ORCHESTRATOR_NOT_RUNNING',
  'ERR_CONTROL_NOT_RUNNING',
  'ERR_SAVED_NOT_FOUND',
])
const ENVIRONMENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_GIT_MISSING',
  'ERR_GIT_TOO_OLD',
  'ERR_WORKSPACE_READ_ONLY',
  'ERR_DISK_FULL',
  'ERR_PTY_UNSUPPORTED',
  'ERR_EXEC_HELPER_MISSING',
  'ERR_LOG_FAILED',
  'ERR_STORE_FAILED',
  'ERR_STORE_TOO_NEW',
  'ERR_NODE_TOO_OLD',
  'ERR_SERVICE_FAILED',
])

export const exitCodeOf = (error: unknown): number => {
  if (!isSignalboxError(error)) return EXIT.failed
  if (NOT_FOUND.has(error.code)) return EXIT.notFound
  if (ENVIRONMENT.has(error.code)) return EXIT.environment
  if (error.kind === 'interrupt') return EXIT.interrupted
  return error.kind === 'usage' ? EXIT.usage : EXIT.failed
}

export const exitCodeOfRun = ({ ok, outcome }: RunSummary): number => {
  if (ok) return EXIT.ok
  return outcome === 'interrupted' ? EXIT.interrupted : EXIT.failed
}

/** An error as it stands on stderr: what happened, and what to do next. */
export const errorText = (error: unknown, debug: boolean): string => {
  if (isSignalboxError(error)) return `signalbox: ${error.message}\nnext: ${CATALOGUE[error.code].next}\n`
  const stack = error instanceof Error ? error.stack : undefined
  const text = error instanceof Error ? error.message : String(error)
  return `signalbox: ${debug && stack !== undefined ? stack : `unexpected: ${text}`}\nnext: Report this, with what SIGNALBOX_DEBUG=1 shows.\n`
}
