import { existsSync } from 'node:fs'
import { findWorkspace } from '../runtime/service/find-workspace.ts'
import { defaultStateHome, statePaths } from '../runtime/paths.ts'
import type { Io } from './io.ts'
import type { LiveNames } from './complete.ts'

/** Runs looked through for names of lanes, newest first. */
const RUNS = 10
/** For the answer of an orchestrator. */
const COMPLETION_LIMIT_MS = 2_000

type Run = { readonly id: string; readonly plan: { readonly lanes: readonly { name: string; commands: readonly { name: string }[] }[] } }

const lanesOf = (runs: readonly Run[]): readonly string[] => [
  ...new Set(
    runs.flatMap(({ plan }) => plan.lanes.flatMap(({ name, commands }) => [name, ...commands.map((command) => `${name}/${command.name}`)])),
  ),
]

/** What the orchestrator has now; none when none runs, or it takes longer than anybody waits for. */
const namesNow = async (kind: 'open-lanes' | 'terminals', io: Pick<Io, 'cwd' | 'env'>): Promise<readonly string[]> => {
  const { withOrchestrator } = await import('./orchestrator-client.ts')
  try {
    return await withOrchestrator(
      io,
      'completion',
      async (client) => {
        if (kind === 'open-lanes') return (await client.call('lane.list', {})).lanes.map(({ name }) => name)
        return (await client.call('terminal.list', {})).terminals.map(({ lane, name }) => `${lane}/${name}`)
      },
      COMPLETION_LIMIT_MS,
    )
  } catch {
    return []
  }
}

/** Names for completion, from the records. A name that cannot be had is no error: nobody reads one while typing. */
export const liveNames = async (kind: Parameters<LiveNames>[0], { cwd, env }: Pick<Io, 'cwd' | 'env'>): Promise<readonly string[]> => {
  if (kind === 'settings') return (await import('../protocols/config.schema.ts')).SETTINGS.map(({ key }) => key)
  if (kind === 'open-lanes' || kind === 'terminals') return namesNow(kind, { cwd, env })
  const workspace = findWorkspace(cwd, env)
  if (workspace === null || workspace.id === null) return []
  const { database } = statePaths(defaultStateHome(env), workspace.id, workspace.commonDir)
  if (!existsSync(database)) return []
  try {
    const { openInspection } = await import('../runtime/inspection.ts')
    const inspection = await openInspection({ workspace: cwd })
    try {
      const runs = (await inspection.runs()).toReversed().slice(0, RUNS)
      return kind === 'runs' ? runs.map(({ id }) => id) : lanesOf(runs)
    } finally {
      await inspection.close()
    }
  } catch {
    return []
  }
}
