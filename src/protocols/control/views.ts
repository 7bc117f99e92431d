import type { Exit } from '../exit.ts'
import type { PtyHealth } from '../health.ts'
import type { LaneId, PtyId, RunId, TerminalId, WorkspaceId } from '../ids.ts'
import type { LaneState, PtyState } from '../states.ts'
import type { LaneSummary, Outcome, RunSummary } from '../summary.ts'

/** A terminal, by its last attempt. Times in ms since the epoch. */
export type TerminalInfo = {
  readonly id: TerminalId
  readonly name: string
  readonly laneId: LaneId
  readonly lane: string
  /** Null: in a lane of its own. */
  readonly runId: RunId | null
  readonly ptyId: PtyId | null
  readonly state: PtyState
  readonly attempts: number
  readonly argv: readonly string[]
  readonly cwd: string
  /** Names of its environment variables; values may be secrets. */
  readonly envNames: readonly string[]
  /** Null when it runs nothing. */
  readonly pid: number | null
  /** Open descriptors of that process; null where they cannot be seen. */
  readonly fds: number | null
  /** Size, of one that is over the last one; null where it is not known. */
  readonly cols: number | null
  readonly rows: number | null
  /** Output so far; null when this orchestrator does not hold it any more. */
  readonly outputBytes: number | null
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly exitCode: number | null
  readonly signal: string | null
  /** Why it could not start, or was lost. */
  readonly error: string | null
  /** What held its process died, or the machine was started anew: nobody knows how it ended. `terminal.respawn` starts it again. */
  readonly lost: boolean
  /** Full log of the last attempt; null when it never ran. */
  readonly log: string | null
}

/** How a terminal is. */
export type TerminalHealthInfo = Pick<
  TerminalInfo,
  'id' | 'name' | 'laneId' | 'lane' | 'runId' | 'ptyId' | 'state' | 'attempts' | 'pid'
> & {
  /** Null when it runs nothing. */
  readonly health: PtyHealth | null
}

/** A lane. Times in ms since the epoch. */
export type LaneInfo = {
  readonly id: LaneId
  readonly name: string
  /** Null: a lane of its own. */
  readonly runId: RunId | null
  readonly state: LaneState
  readonly worktree: string
  readonly branch: string
  readonly baseCommit: string
  readonly createdAt: number
  readonly endedAt: number | null
  /** How it ended. */
  readonly summary: LaneSummary | null
}

/** A lane that was removed and saved, to be brought back by `lane.undo`. Times in ms since the epoch. */
export type RemovedLaneInfo = {
  /** Of the lane that was removed. */
  readonly id: string
  readonly name: string
  readonly savedAt: number
  /** When what was saved is forgotten. */
  readonly expiresAt: number
  /** Where it was, and comes back. */
  readonly worktree: string
  readonly branch: string
  readonly baseCommit: string
  /** On its branch beyond the base commit. */
  readonly commits: number
  /** Files with changes that are not committed; at most 1,000. */
  readonly uncommitted: readonly string[]
}

/** A run of a plan. Times in ms since the epoch. */
export type RunInfo = {
  readonly id: RunId
  readonly startedAt: number
  readonly endedAt: number | null
  readonly outcome: Outcome | null
  /** Of the process that runs it. */
  readonly pid: number
  /** That process lives. */
  readonly isAlive: boolean
  readonly lanes: readonly { readonly name: string; readonly id: LaneId }[]
  /** Null while it goes on. */
  readonly summary: RunSummary | null
}

/** suspended: it runs, and handles nothing until it is resumed. ended: it does not run, and its supervisor keeps its spec. */
export type ActorState = 'starting' | 'running' | 'suspended' | 'restarting' | 'stopping' | 'ended'

/** Restarts of a supervisor's children within its window as it is now. One more than `allowed`, and the supervisor ends. */
export type RestartWindow = { readonly used: number; readonly allowed: number; readonly withinMs: number }

/** A node of the supervision tree. */
export type ActorNode = {
  readonly name: string
  /** Of the lane or terminal that it is for: `docs`, `docs/shell`. */
  readonly label: string | null
  readonly incarnation: number
  readonly kind: string
  readonly state: ActorState
  readonly mailbox: {
    /** Messages that wait. */
    readonly now: number
    /** The most that may wait. */
    readonly max: number
    /** Age of the one that waits longest. */
    readonly oldestMs: number | null
  }
  /** Messages a second since the look before. */
  readonly perSecond: number
  /** Share of the time within handlers, 0 to 1, since the look before. */
  readonly busy: number
  /** Starts after its first. */
  readonly restarts: number
  /** Of a supervisor that runs. */
  readonly window: RestartWindow | null
  /** Null where it does not run. */
  readonly upMs: number | null
  /** Of the incarnation before. */
  readonly lastExit: Exit | null
  /** Actors below it, those included that a depth leaves out. */
  readonly below: number
  readonly children: readonly ActorNode[]
}

/** One actor as it is now. */
export type ActorInfo = {
  readonly name: string
  /** Of the lane or terminal that it is for: `docs`, `docs/shell`. */
  readonly label: string | null
  readonly incarnation: number
  readonly kind: string
  /** Null for the root. */
  readonly supervisor: string | null
  readonly state: ActorState
  /** Null where it does not run. */
  readonly upMs: number | null
  readonly mailbox: {
    /** Messages that wait. */
    readonly now: number
    /** The most that waited at one time. */
    readonly most: number
    /** The most that may wait. */
    readonly limit: number
    readonly dropped: number
    /** Age of the one that waits longest. */
    readonly oldestMs: number | null
  }
  /** Messages. */
  readonly handled: number
  /** What it is at work on. */
  readonly handling: {
    readonly type: string
    readonly from: string | null
    /** Null where it began before the first look. */
    readonly forMs: number | null
  } | null
  /** Since the first look that still holds. */
  readonly handlers: {
    /** Time since that look. */
    readonly forMs: number
    readonly count: number
    readonly sumMs: number
    readonly maxMs: number
    readonly p50Ms: number
    readonly p95Ms: number
    readonly p99Ms: number
    /** Entry `i` counts handlers below 2^i µs. */
    readonly histogram: readonly number[]
    /** Since the look before. `busy` is a share of the time, 0 to 1. */
    readonly recent: { readonly forMs: number; readonly perSecond: number; readonly busy: number }
  }
  /** Starts after its first. */
  readonly restarts: number
  /** Restarts that its supervisor has used and may use. */
  readonly window: RestartWindow | null
  /** Of its own children. */
  readonly childWindow: RestartWindow | null
  /** Of the incarnation before. */
  readonly lastExit: Exit | null
}

/** An incarnation of an actor. */
export type LivedInfo = { readonly name: string; readonly incarnation: number }

/** Something that a trace saw. */
export type TraceInfo = {
  readonly what: 'sent' | 'handled' | 'failed' | 'dropped' | 'started' | 'restarted' | 'exited'
  /** ms since the epoch. */
  readonly at: number
  /** `name$incarnation`. */
  readonly actor: string
  /** Mail that waits in its mailbox now. */
  readonly waiting: number
  /** Of a message. */
  readonly type?: string
  /** Who sent the message. */
  readonly from?: string | null
  /** Its text without secrets, cut. */
  readonly message?: string
  /** Of what was handled or failed. */
  readonly tookMs?: number
  /** Of what failed. */
  readonly error?: string
  /** Of what was dropped. */
  readonly reason?: DeadLetterInfo['reason']
  /** Of an actor that exited. */
  readonly exit?: Exit
}

/** A message that nobody took. */
export type DeadLetterInfo = {
  /** From 1, in the order in which they came: `dead-letters.retry` sends it again. */
  readonly number: number
  /** ms since the epoch. */
  readonly at: number
  /** `name$incarnation`, as is `from`. */
  readonly to: string
  readonly from: string | null
  readonly type: string
  readonly reason: 'not-found' | 'ended' | 'restarted' | 'full' | 'poison' | 'fenced'
  readonly stack: string | null
}

/** An orchestrator. */
export type OrchestratorStatus = {
  readonly pid: number
  /** Of signalbox. */
  readonly version: string
  readonly workspaceId: WorkspaceId
  readonly stateDirectory: string
  /** ms since the epoch. */
  readonly startedAt: number
  readonly state: 'running' | 'stopping'
  readonly counts: {
    /** Lanes that have not ended. */
    readonly lanes: number
    /** Terminals with a process. */
    readonly terminals: number
    /** Runs that go on. */
    readonly runs: number
    /** Clients of the socket. */
    readonly clients: number
  }
}

/** The steps of a stop, in their order. accepting: no run begins any more. */
export type StopPhase = 'accepting' | 'runs' | 'terminals' | 'lanes' | 'infrastructure'

/** How a phase of a stop went. */
export type StopPhaseInfo = {
  readonly phase: StopPhase
  readonly tookMs: number
  /** What did not stop within the limit, and was killed: `lane/command (pid 4711)`, or a lane, run or actor without a pid. */
  readonly late: readonly string[]
}

/** A phase of a stop begins or is over. */
export type StopProgress = {
  readonly phase: StopPhase
  /** Null: it begins. */
  readonly report: StopPhaseInfo | null
}
