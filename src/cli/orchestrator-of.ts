import { createProcessTable } from '../adapters/process-table.ts'
import { connect, type ControlClient } from '../client/client.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { readRecord } from '../runtime/service/orchestrator-record.ts'
import type { Io } from './io.ts'
import { workspaceOf } from './workspace-of.ts'

/**
 * A connection to the orchestrator of the repository in which a command was started.
 * @param command for the records of who asked
 * @throws ERR_WORKSPACE_NOT_FOUND, ERR_ORCHESTRATOR_NOT_RUNNING, ERR_CONTROL_…
 */
export const orchestratorOf = async (io: Pick<Io, 'cwd' | 'env'>, command: string): Promise<ControlClient> => {
  const { living } = readRecord(workspaceOf(io).commonDir, createProcessTable())
  if (living === null) throw new SignalboxError('ERR_ORCHESTRATOR_NOT_RUNNING', 'no orchestrator runs on this repository')
  return connect(living.socket, { name: `signalbox ${command}` })
}
