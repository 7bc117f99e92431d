import type { Pty, TerminalHost } from '../ports/terminal-host.port.ts'
import type { Recovery } from '../ports/recovery.port.ts'
import type { Worktrees } from '../ports/worktrees.port.ts'
import type { ChildSpec } from '../kernel/child-spec.ts'
import type { Id, IdKind, LaneId, PtyId, RunId, TerminalId, WorkspaceId } from '../protocols/ids.ts'
import type { KeepPolicy, PlanCommand, PlanLane } from '../protocols/plan.ts'
import type { TerminalSize } from '../protocols/own-lane.protocol.ts'
import type { ProcessKey } from '../protocols/process-key.ts'
import type { LaneOrigin, WorktreeRecord } from '../protocols/records.ts'
import type { OutputNews } from './output-news.ts'
import type { TerminalHealth } from './terminal-health.ts'

/** What actors need of the outside; made once by the runtime. */
export type Services = {
  readonly workspaceId: WorkspaceId
  readonly worktrees: Worktrees
  readonly recovery: Recovery
  readonly terminals: TerminalHost
  /** Processes whose end is not recorded yet, those included that are just being started: an actor that dies leaves them to the next. */
  readonly unrecorded: Map<PtyId, Promise<Pty>>
  /** Terminals of lanes of their own that were opened in this process and have not ended: what their supervisors begin with again. */
  readonly opened: Map<TerminalId, PtyArgs>
  /** Tells how far the output of PTYs is. */
  readonly output: Pick<OutputNews, 'follow' | 'end'>
  /** How terminals are; tells when one has become idle or active. */
  readonly health: Pick<TerminalHealth, 'follow' | 'look' | 'of' | 'close'>
  readonly newId: <K extends IdKind>(kind: K) => Id<K>
  /** The environment that children inherit: the caller's, without our marker. */
  readonly baseEnv: Readonly<Record<string, string>>
  /** Absolute. Worktrees are made in it. */
  readonly lanesDirectory: string
  /** Absolute. Logs are `<logs>/<run>/<lane>/<command>.<attempt>.log`; of a lane of its own `<logs>/<lane id>/…`. */
  readonly logsDirectory: string
  readonly branchPrefix: string
  /** Terminals of lanes of their own that were lost are started again. */
  readonly respawnsLost: boolean
  /** Most that the log of one attempt may hold. */
  readonly logMaxBytes: number
  /** The process that this runtime lives in. */
  readonly owner: ProcessKey
  /** The run was killed: its processes get no grace any more. */
  readonly isKilled: (runId: RunId) => boolean
  /** By whom the run was asked to stop, or null. Outlives a crash of its actor, and a stop that came before its start. */
  readonly stopAskedBy: (runId: RunId) => string | null
  /** As ProcessTable. */
  readonly memoryKills: () => number | null
  /** How trees are built; the actors only start them. */
  readonly trees: {
    readonly lane: (args: LaneArgs) => ChildSpec
    readonly terminal: (args: PtyArgs) => ChildSpec
  }
}

/** A lane of its own: kept until it is removed, with terminals that are opened in it one by one. */
export type OwnLaneArgs = {
  readonly services: Services
  readonly laneId: LaneId
  readonly name: string
  readonly made: LaneOrigin
  /** What it is brought back from, where it begins so. */
  readonly restores?: { readonly id: string; readonly worktree: WorktreeRecord }
  /** Who asked for it; absent when it is brought back. */
  readonly by?: string
}

export type LaneArgs = {
  readonly services: Services
  readonly runId: RunId
  readonly laneId: LaneId
  readonly lane: PlanLane
  readonly keep: KeepPolicy
}

export type PtyArgs = {
  readonly services: Services
  readonly runId: RunId | null
  readonly laneId: LaneId
  readonly terminalId: TerminalId
  readonly lane: string
  readonly command: PlanCommand
  readonly env: Readonly<Record<string, string>>
  /** The lane's worktree. */
  readonly cwd: string
  readonly branch: string
  /** @defaultValue as the host has it */
  readonly size?: TerminalSize
}
