import type { Exit } from '../exit.ts'
import type { LaneId, PtyId, RunId, TerminalId } from '../ids.ts'
import type { LaneState, PtyState } from '../states.ts'
import type { LaneSummary, Outcome, RunSummary } from '../summary.ts'

/** A terminal, by its last attempt. Times in ms since the epoch. */
export type TerminalInfo = {
  readonly id: TerminalId
  readonly name: string
  readonly laneId: LaneId
  readonly lane: string
  /** Null: of a lane of its own. */
  readonly runId: RunId | null
  readonly ptyId: PtyId | null
  readonly state: PtyState
  readonly attempts: number
  readonly argv: readonly string[]
  readonly cwd: string
  /** Null when it runs nothing. */
  readonly pid: number | null
  /** Size and output so far; null when this orchestrator does not hold it any more. */
  readonly cols: number | null
  readonly rows: number | null
  readonly outputBytes: number | null
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly exitCode: number | null
  readonly signal: string | null
  /** Why it could not start, or was lost. */
  readonly error: string | null
  readonly log: string | null
}

export type LaneInfo = {
  readonly id: LaneId
  readonly name: string
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

export type RunInfo = {
  readonly id: RunId
  readonly startedAt: number
  readonly endedAt: number | null
  readonly outcome: Outcome | null
  /** Of the process that runs it, and whether it lives. */
  readonly pid: number
  readonly isAlive: boolean
  readonly lanes: readonly { readonly name: string; readonly id: LaneId }[]
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
  /** `oldestMs`: age of the mail that waits longest. */
  readonly mailbox: { readonly now: number; readonly max: number; readonly oldestMs: number | null }
  /** Messages a second, and the share of the time within handlers (0 to 1), since the look before. */
  readonly perSecond: number
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
    readonly now: number
    readonly most: number
    readonly limit: number
    readonly dropped: number
    readonly oldestMs: number | null
  }
  readonly handled: number
  /** What it is at work on; `forMs` is null where that began before the first look. */
  readonly handling: { readonly type: string; readonly from: string | null; readonly forMs: number | null } | null
  /** Since the first look that still holds. Entry `i` of the histogram counts handlers below 2^i µs; `busy` is a share of the time, 0 to 1. */
  readonly handlers: {
    readonly forMs: number
    readonly count: number
    readonly sumMs: number
    readonly maxMs: number
    readonly p50Ms: number
    readonly p95Ms: number
    readonly p99Ms: number
    readonly histogram: readonly number[]
    readonly recent: { readonly forMs: number; readonly perSecond: number; readonly busy: number }
  }
  readonly restarts: number
  /** Restarts that its supervisor has used and may use, then those for its own children. */
  readonly window: RestartWindow | null
  readonly childWindow: RestartWindow | null
  readonly lastExit: Exit | null
}

/** An incarnation of an actor. */
export type LivedInfo = { readonly name: string; readonly incarnation: number }

/** Something that a trace saw. */
export type TraceInfo = {
  readonly what: 'sent' | 'handled' | 'failed' | 'dropped' | 'started' | 'restarted' | 'exited'
  readonly at: number
  /** `name$incarnation`. */
  readonly actor: string
  /** Mail that waits in its mailbox now. */
  readonly waiting: number
  /** Of a message: its type, who sent it, and its text without secrets, cut. */
  readonly type?: string
  readonly from?: string | null
  readonly message?: string
  /** handled, failed. */
  readonly tookMs?: number
  /** failed. */
  readonly error?: string
  /** dropped. */
  readonly reason?: DeadLetterInfo['reason']
  /** exited. */
  readonly exit?: Exit
}

/** A message that nobody took. */
export type DeadLetterInfo = {
  /** From 1, in the order in which they came: `dead-letters.retry` sends it again. */
  readonly number: number
  readonly at: number
  readonly to: string
  readonly from: string | null
  readonly type: string
  readonly reason: 'not-found' | 'ended' | 'restarted' | 'full' | 'poison' | 'fenced'
  readonly stack: string | null
}

export type OrchestratorStatus = {
  readonly pid: number
  readonly version: string
  readonly workspaceId: string
  readonly stateDirectory: string
  readonly startedAt: number
  readonly state: 'running' | 'stopping'
  /** Lanes that have not ended, terminals with a process, runs that go on, clients of the socket. */
  readonly counts: { readonly lanes: number; readonly terminals: number; readonly runs: number; readonly clients: number }
}
