import { type Configuration, loadConfiguration } from '../runtime/configuration.ts'
import { findWorkspace } from '../runtime/service/find-workspace.ts'
import type { Io } from './io.ts'

/** The configuration that holds where a command was started. @throws as loadConfiguration */
export const configurationOf = ({ cwd, env }: Pick<Io, 'cwd' | 'env'>, set: readonly string[] = []): Promise<Configuration> =>
  loadConfiguration({ root: findWorkspace(cwd, env)?.root ?? null, env, set })
