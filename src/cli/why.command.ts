import { createProcessTable } from '../adapters/process-table.ts'
import type { WhyAnswer } from '../protocols/why.ts'
import { isSignalboxError } from '../protocols/errors.ts'
import { findWorkspace } from '../runtime/service/find-workspace.ts'
import { readRecord } from '../runtime/service/orchestrator-record.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'
import { renderWhy } from './render-why.ts'

export type WhyOptions = { readonly run?: string; readonly evidence?: boolean; readonly json?: boolean }

const ANSWER_LIMIT_MS = 10_000
/** An orchestrator that cannot answer: then what is recorded does. */
const UNANSWERED = [
  'ERR_CONTROL_NOT_RUNNING',
  'ERR_CONTROL_LOST',
  'ERR_CONTROL_SOCKET_FAILED',
  'ERR_CONTROL_VERSION',
  'ERR_ASK_TIMEOUT',
] as const

/** The orchestrator's own answer: it also knows what is recorded nowhere. Null where none runs, or it does not answer. */
const fromOrchestrator = async (subject: string, run: string | undefined, { cwd, env }: Io): Promise<WhyAnswer | null> => {
  const workspace = findWorkspace(cwd, env)
  const living = workspace === null ? null : readRecord(workspace.commonDir, createProcessTable()).living
  if (living === null || living.state === 'recovering') return null
  const { connect } = await import('../client/client.ts')
  try {
    await using client = await connect(living.socket, { name: `signalbox why (pid ${process.pid})`, timeoutMs: ANSWER_LIMIT_MS })
    return await client.call('why', { subject, ...(run !== undefined && { run }) })
  } catch (error) {
    if (UNANSWERED.some((code) => isSignalboxError(error, code))) return null
    throw error
  }
}

const fromRecords = async (subject: string, run: string | undefined, { cwd }: Io): Promise<WhyAnswer> => {
  const { openInspection } = await import('../runtime/inspection.ts')
  const inspection = await openInspection({ workspace: cwd })
  try {
    return await inspection.why(subject, run)
  } finally {
    await inspection.close()
  }
}

/** `signalbox why SUBJECT`: of the orchestrator that runs, or else from the records. */
export const whyCommand = async (subject: string, options: WhyOptions, io: Io): Promise<number> => {
  const answer = (await fromOrchestrator(subject, options.run, io)) ?? (await fromRecords(subject, options.run, io))
  if (options.json === true) printJson(io, answer)
  else printLines(io, renderWhy(answer, paintFor(io), { evidence: options.evidence === true }))
  return EXIT.ok
}
