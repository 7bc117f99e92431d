import { SignalboxError } from '../protocols/errors.ts'
import { findWorkspace, type FoundWorkspace } from '../runtime/service/find-workspace.ts'
import type { Io } from './io.ts'

/** The repository in which a command was started. @throws ERR_WORKSPACE_NOT_FOUND */
export const workspaceOf = ({ cwd, env }: Pick<Io, 'cwd' | 'env'>): FoundWorkspace => {
  const found = findWorkspace(cwd, env)
  if (found !== null) return found
  throw new SignalboxError('ERR_WORKSPACE_NOT_FOUND', `${cwd} is not in a git repository; change to one, or run \`git init\``, {
    context: { cwd },
  })
}
