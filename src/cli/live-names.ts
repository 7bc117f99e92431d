import { existsSync } from 'node:fs'
import { findWorkspace } from '../runtime/service/find-workspace.ts'
import { defaultStateHome, statePaths } from '../runtime/paths.ts'
import type { Io } from './io.ts'
import type { ActorNode } from '../protocols/control/views.ts'
import type { LiveNames } from './complete.ts'

/** Nobody waits longer for a name while typing. */
const ANSWER_LIMIT_MS = 2_000
/** Runs looked through for names of lanes, newest first. */
const RUNS = 10

type Run = { readonly id: string; readonly plan: { readonly lanes: readonly { name: string; commands: readonly { name: string }[] }[] } }

const lanesOf = (runs: readonly Run[]): readonly string[] => [
  ...new Set(
    runs.flatMap(({ plan }) => plan.lanes.flatMap(({ name, commands }) => [name, ...commands.map((command) => `${name}/${command.name}`)])),
  ),
]

type LiveKind = 'actors' | 'open-lanes' | 'removed-lanes' | 'terminals'

/** What the orchestrator has now; none when none runs, or it takes longer than anybody waits for. */
const namesNow = async (kind: LiveKind, io: Pick<Io, 'cwd' | 'env'>): Promise<readonly string[]> => {
  try {
    const { orchestratorOf } = await import('./orchestrator-client.ts')
    await using client = await orchestratorOf(io, 'completion', ANSWER_LIMIT_MS)
    if (kind === 'actors') return namesIn((await client.call('tree.get', {})).tree)
    if (kind === 'removed-lanes') return (await client.call('lane.removed', {})).lanes.map(({ name }) => name)
    if (kind === 'open-lanes') return (await client.call('lane.list', {})).lanes.map(({ name }) => name)
    return (await client.call('terminal.list', {})).terminals.map(({ lane, name }) => `${lane}/${name}`)
  } catch {
    return []
  }
}

const namesIn = ({ name, label, children }: ActorNode): readonly string[] => [
  label === null ? name : `${name.slice(0, name.indexOf(':') + 1)}${label}`,
  ...children.flatMap(namesIn),
]

/** Names for completion, from the records and the orchestrator. A name that cannot be had is no error: nobody reads one while typing. */
export const liveNames = async (kind: Parameters<LiveNames>[0], { cwd, env }: Pick<Io, 'cwd' | 'env'>): Promise<readonly string[]> => {
  if (kind === 'settings') return (await import('../protocols/config.schema.ts')).SETTINGS.map(({ key }) => key)
  if (kind === 'actors' || kind === 'open-lanes' || kind === 'removed-lanes' || kind === 'terminals') return namesNow(kind, { cwd, env })
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
