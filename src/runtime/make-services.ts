import { OutputNews } from '../actors/output-news.ts'
import type { Services } from '../actors/services.ts'
import { TerminalHealth } from '../actors/terminal-health.ts'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import type { TerminalHost } from '../ports/terminal-host.port.ts'
import { laneTree } from '../supervisors/lane.tree.ts'
import { terminalTree } from '../supervisors/terminal.tree.ts'
import type { Bus } from '../protocols/bus.ts'
import { DEFAULT_SETTINGS } from '../protocols/config.schema.ts'
import type { Environment } from './environment.ts'
import type { LiveRuns } from './live-runs.ts'
import type { Decorators, RuntimeOptions } from './options.ts'

/**
 * What a command must not inherit: our marker, and what git sets for its hooks and aliases, which would turn the git of a
 * lane to the caller's repository and index. Source: `git rev-parse --local-env-vars`.
 */
const NOT_INHERITED: ReadonlySet<string> = new Set([
  'SIGNALBOX_MARK',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_OBJECT_DIRECTORY',
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_GRAFT_FILE',
  'GIT_INDEX_FILE',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_REPLACE_REF_BASE',
  'GIT_PREFIX',
  'GIT_SHALLOW_FILE',
  'GIT_COMMON_DIR',
  'GIT_INTERNAL_SUPER_PREFIX',
])

/** What processes of ours inherit of an environment. */
export const inherited = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && !NOT_INHERITED.has(entry[0])),
  )

/** The outside as the actors of one runtime see it. */
export const makeServices = (
  env: Environment,
  options: RuntimeOptions,
  terminals: TerminalHost,
  decorators: Decorators,
  live: LiveRuns,
  owner: Services['owner'],
  bus: Bus,
): Services => {
  const settings = options.settings ?? (() => DEFAULT_SETTINGS)
  const around = decorators.tree ?? ((spec) => spec)
  return {
    workspaceId: env.workspaceId,
    worktrees: decorators.worktrees?.(env.worktrees) ?? env.worktrees,
    recovery: decorators.recovery?.(env.recovery) ?? env.recovery,
    terminals,
    unrecorded: new Map(),
    opened: new Map(),
    output: new OutputNews(systemClock, bus),
    health: new TerminalHealth({ clock: systemClock, processTable: env.processTable, bus }),
    newId: (kind) => env.ids.next(kind),
    baseEnv: inherited(options.env ?? process.env),
    lanesDirectory: env.lanesDirectory,
    logsDirectory: env.paths.logs,
    get branchPrefix() {
      return options.branchPrefix ?? settings().lanes.branchPrefix
    },
    get respawnsLost() {
      return settings().terminals.respawnLost
    },
    get logMaxBytes() {
      return settings().logs.maxBytes
    },
    owner,
    isKilled: live.isKilled,
    stopAskedBy: live.stopAskedBy,
    memoryKills: () => env.processTable.memoryKills?.() ?? null,
    trees: { lane: (args) => around(laneTree(args)), terminal: (args) => around(terminalTree(args)) },
  }
}
