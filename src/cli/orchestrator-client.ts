import { createProcessTable } from '../adapters/process-table.ts'
import { connect, type ConnectOptions, type ControlClient } from '../client/client.ts'
import { isSignalboxError, SignalboxError } from '../protocols/errors.ts'
import { type OrchestratorRecord, readRecord } from '../runtime/service/orchestrator-record.ts'
import type { Io } from './io.ts'
import { workspaceOf } from './workspace-of.ts'

const CALL_LIMIT_MS = 120_000

/** @throws ERR_ORCHESTRATOR_NOT_RUNNING, also while it is not ready yet; ERR_WORKSPACE_NOT_FOUND */
const recordOf = (io: Pick<Io, 'cwd' | 'env'>): OrchestratorRecord => {
  const { living, dead } = readRecord(workspaceOf(io).commonDir, createProcessTable())
  if (living !== null && living.state !== 'recovering') return living
  const fate = dead === null ? '' : `; the last one, pid ${dead.pid}, died without a word (signalbox logs)`
  const text =
    living === null ? `no orchestrator runs here${fate}` : `the orchestrator, pid ${living.pid}, still reads its records; try again`
  throw new SignalboxError('ERR_ORCHESTRATOR_NOT_RUNNING', text)
}

const connected = async ({ socket, pid }: OrchestratorRecord, options: ConnectOptions): Promise<ControlClient> => {
  try {
    return await connect(socket, options)
  } catch (error) {
    if (!isSignalboxError(error, 'ERR_ASK_TIMEOUT')) throw error
    const text = `the orchestrator, pid ${pid}, does not answer; \`signalbox logs\` may tell why, \`signalbox down\` ends it all the same`
    throw new SignalboxError('ERR_ASK_TIMEOUT', text, { context: { pid }, cause: error })
  }
}

/**
 * A connection to the orchestrator of the repository in which a command was started.
 * @param command stands in records as who asked
 * @param timeoutMs for each answer
 * @throws ERR_WORKSPACE_NOT_FOUND, ERR_ORCHESTRATOR_NOT_RUNNING, ERR_CONTROL_…
 */
export const orchestratorOf = (io: Pick<Io, 'cwd' | 'env'>, command: string, timeoutMs: number = CALL_LIMIT_MS): Promise<ControlClient> =>
  connected(recordOf(io), { name: `signalbox ${command}`, timeoutMs })

/** Does something with the orchestrator of this repository, and lets go of it. @throws as `orchestratorOf`, and what it answers */
export const withOrchestrator = async <T>(
  io: Pick<Io, 'cwd' | 'env'>,
  command: string,
  use: (client: ControlClient) => Promise<T>,
): Promise<T> => {
  await using client = await orchestratorOf(io, command)
  return await use(client)
}
