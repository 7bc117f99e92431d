import type { Decision } from './decision.ts'
import type { ErrorRecord } from './errors.ts'
import type { ExitFinding } from './exit-class.ts'
import type { Exit } from './exit.ts'
import type { PtyCondition, PtyHealth } from './health.ts'
import type { AppliedLimits } from './limits.ts'
import type { LaneId } from './ids.ts'
import type { Plan } from './plan.ts'
import type { PtyExit, SignalRecord } from './pty-exit.ts'
import type { PtyPressure } from './pty-pressure.ts'
import type { LaneSummary, RunSummary } from './summary.ts'

/** A step of a state machine (docs/reference/machines.md). */
type Step = {
  readonly from: string
  readonly to: string
  /** What the machine was given. */
  readonly event: string
  /** Why, in words. */
  readonly cause: string
}

/** One attempt of a command. */
type Attempt = {
  readonly lane: string
  readonly command: string
  /** From 1; a restart is the next. */
  readonly attempt: number
}

/** Whom a supervisor or an exit names: the lane and command that an actor belongs to, where it belongs to one. */
type Place = { readonly lane?: string; readonly command?: string }

/** A process that belongs to nobody any more. */
export type OrphanProcess = {
  readonly pid: number
  /** Its arguments, cut. */
  readonly command: string
  /** The lane and command that it outlived; null: no record names it. */
  readonly of: string | null
  /** null: nothing ends it. */
  readonly endedBy: 'SIGTERM' | 'SIGKILL' | null
}

type By = {
  /** Where somebody else than its actor closed the record. */
  readonly by?: 'doctor'
}

/** What each recorded event says. Fields are added, not taken away and not given another meaning. */
export type EventPayloads = {
  /** A run begins: its plan, complete, and the process that runs it. */
  'run.started': {
    readonly plan: Plan
    /** Whose command it was. */
    readonly by: string
    readonly pid: number
    readonly lanes: readonly { readonly name: string; readonly id: LaneId }[]
  }
  /** The process that ran it died, and another goes on with it: its terminals had outlived that. */
  'run.adopted': { readonly by: string; readonly pid: number; readonly before: number }
  /** Somebody stops a run: its lanes are told to end, the newest first. */
  'run.stopping': { readonly by: string }
  /** Somebody has no time: what a run that is stopping runs is killed. */
  'run.killing': { readonly by: string }
  /** A run is over, and nothing of it runs any more. */
  'run.ended': By & { readonly summary: RunSummary }
  /** A lane has its name, its branch and its place; the worktree follows. */
  'lane.created': {
    readonly name: string
    readonly worktree: string
    readonly branch: string
    /** The commit that it starts from; empty when its base was not found. */
    readonly baseCommit: string
    readonly base: string
    /** Who asked for it, where it is no lane of a run. */
    readonly by?: string
  }
  /** A lane took a step of its machine. */
  'lane.state-changed': Step & {
    readonly name: string
    /** Where something failed. */
    readonly error?: ErrorRecord
  }
  /** A lane is over: how, and what was kept of it. */
  'lane.ended': By & { readonly name: string; readonly summary: LaneSummary }
  /** Somebody opens a terminal in a lane of its own. */
  'terminal.opening': { readonly lane: string; readonly command: string; readonly by: string }
  /** Somebody ends a terminal. */
  'terminal.ending': {
    readonly lane: string
    readonly command: string
    readonly by: string
    /** From SIGTERM to SIGKILL. null: as its command says. */
    readonly graceMs: number | null
  }
  /** A process runs on a terminal. */
  'pty.spawned': Attempt & {
    readonly pid: number
    readonly argv: readonly string[]
    readonly cwd: string
    /** What its limits became. */ readonly limits: AppliedLimits
  }
  /** A process that outlived its orchestrator was taken over by another one. */
  'pty.adopted': Attempt & { readonly pid: number; readonly outputBytes: number }
  /** An attempt took a step of its machine. */
  'pty.state-changed': Attempt & Step
  /**
   * A terminal has become idle: no output, no input and no CPU in its process tree for the time that its command has. An alert:
   * somebody may want to look. A shell that waits at its prompt is not told of. Nothing is ended.
   */
  'pty.idled': Attempt & {
    /** ms since the epoch. */
    readonly since: number
    /** As configured. */
    readonly idleAfterMs: number
    readonly condition: PtyCondition
    /** What that is concluded from, in words. */
    readonly evidence: string
    readonly processes: number
    readonly memoryBytes: number | null
  }
  /** A process could not be started. */
  'pty.error': Attempt & { readonly error: ErrorRecord; readonly finding: ExitFinding | null }
  /** A process has ended, and all that it had started. */
  'pty.exited': Attempt &
    PtyExit & {
      /** Every signal that was sent to it, by whom. */
      readonly signals: readonly SignalRecord[]
      readonly durationMs: number
      /** The file with all of its output. */
      readonly log: string
      /** Its last lines of output, without control sequences. */
      readonly lastLines: readonly string[]
      /** How its failure was told apart; null when it did not fail or was stopped. */
      readonly finding: ExitFinding | null
    }
  /**
   * Processes were found that carry the mark of this workspace and belong to no terminal that goes on, looked for at the start of
   * an orchestrator and each minute. They are ended.
   */
  'orphans.found': {
    /** At most 100; what is beyond that in an event of its own. */
    readonly processes: readonly OrphanProcess[]
  }
  /** A supervisor decided about a child that ended: restart, wait, stop, give up. */
  'supervisor.decided': Place & { readonly decision: Decision }
  /** An actor crashed, hung in its start or could not start. */
  'actor.crashed': Place & { readonly name: string; readonly incarnation: number; readonly exit: Exit }
  /** Somebody did something to an actor, recorded before it was done. */
  'actor.intervened': Place & {
    readonly intervention: 'stop' | 'restart' | 'kill' | 'suspend' | 'resume' | 'retry'
    readonly name: string
    readonly incarnation: number
    /** The number of the dead letter that was sent again. */
    readonly letter?: number
    readonly by: string
  }
}

/** What each event of a live topic says. Fields are added, as above. */
export type LiveEventPayloads = {
  /**
   * How far the output of an attempt is: at once when it goes on, then at most every 250 ms. Where there was any, the last one
   * says how much there was in all, and comes before `pty.exited`.
   */
  'pty.output': Attempt & {
    /** Bytes put out so far: the offset after the last one. */
    readonly offset: number
  }
  /** Output is not taken as fast as it comes: the slowest reader is three quarters behind, or the ring where nobody reads. */
  'pty.backpressure': Attempt & Omit<Extract<PtyPressure, { kind: 'backpressure' }>, 'kind'>
  /** The ring has given up its oldest output: at most once a second. What is in the log stays there. */
  'pty.overflow': Attempt & Omit<Extract<PtyPressure, { kind: 'overflow' }>, 'kind'>
  /** How the process tree of a terminal is: when that changes, looked at each 2 s while somebody listens. */
  'pty.health': Attempt & PtyHealth
}

export type EventType = keyof EventPayloads

export const LIVE_TOPICS: readonly (keyof LiveEventPayloads)[] = ['pty.output', 'pty.backpressure', 'pty.overflow', 'pty.health']
