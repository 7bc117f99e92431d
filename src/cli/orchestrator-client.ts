import { createProcessTable } from '../adapters/process-table.ts'
import { connect, type ControlClient } from '../client/client.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { readRecord } from '../runtime/service/orchestrator-record.ts'
import type { Io } from './io.ts'
import { workspaceOf } from './workspace-of.ts'

const CALL_LIMIT_MS = 120_000

/** @throws ERR_ORCHESTRATOR_NOT_RUNNING, also while it is not ready yet; ERR_WORKSPACE_NOT_FOUND */
const socketOf = (io: Pick<Io, 'cwd' | 'env'>): string => {
  const { living, dead } = readRecord(workspaceOf(io).commonDir, createProcessTable())
  if (living !== null && living.state !== 'recovering') return living.socket
  const fate = dead === null ? '' : `; the last one, pid ${dead.pid}, died without a word (signalbox logs)`
  const text =
    living === null ? `no orchestrator runs here${fate}` : `the orchestrator, pid ${living.pid}, still reads its records; try again`
  throw new SignalboxError('ERR_ORCHESTRATOR_NOT_RUNNING', text)
}

/**
 * Does something with the orchestrator of this repository.
 * @param command stands in records as who asked
 * @param timeoutMs for each answer
 * @throws ERR_ORCHESTRATOR_NOT_RUNNING, ERR_CONTROL_…, and what the orchestrator answers
 */
export const withOrchestrator = async <T>(
  io: Pick<Io, 'cwd' | 'env'>,
  command: string,
  use: (client: ControlClient) => Promise<T>,
  timeoutMs: number = CALL_LIMIT_MS,
): Promise<T> => {
  const client = await connect(socketOf(io), { name: `signalbox ${command}`, timeoutMs })
  try {
    return await use(client)
  } finally {
    client.close()
  }
}
