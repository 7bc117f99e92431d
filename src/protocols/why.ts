import type { CrashBrief } from './dossier.ts'
import type { ExitFinding } from './exit-class.ts'
import type { LaneId, RunId, TerminalId } from './ids.ts'
import type { Intensity } from './plan.ts'
import type { SignalRecord, SurvivorRecord } from './pty-exit.ts'
import type { CommandSummary, Outcome } from './summary.ts'

/** What is asked about. A terminal is what a command of a plan is, in a lane of its own. */
export type WhySubject = {
  readonly kind: 'run' | 'lane' | 'command' | 'terminal' | 'actor'
  /** `lane`, `lane/command`, the id of a run, the name of an actor. */
  readonly name: string
  readonly runId: RunId | null
  readonly laneId: LaneId | null
  readonly terminalId: TerminalId | null
}

/** stuck: it goes on, and something keeps it from getting further; lost: nobody saw it end. */
export type WhyState =
  | 'waiting'
  | 'preparing'
  | 'ready'
  | 'running'
  | 'backoff'
  | 'restarting'
  | 'stuck'
  | 'stopping'
  | 'cleaning'
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'interrupted'
  | 'stopped'
  | 'lost'
  | 'ended'

/** One step of the chain that led here. */
export type WhyCause = {
  /** ms since the epoch. */
  readonly at: number
  /** Of the recorded event; null: seen at the time of the answer. */
  readonly sequence: number | null
  readonly what: string
  /** Whose command it was; null: nobody's. */
  readonly by: string | null
}

/** What will happen. */
export type WhyNext = {
  readonly what: string
  /** ms since the epoch; null where no time can be told. */
  readonly at: number | null
}

/** What one can do. */
export type WhyRemedy = {
  readonly what: string
  /** May be typed as it is. */
  readonly command: string | null
}

/** A move of a state machine. */
export type WhyTransition = {
  /** ms since the epoch. */
  readonly at: number
  readonly of: string
  readonly from: string
  readonly to: string
  readonly event: string
  readonly cause: string
}

/** One start of a command. */
export type WhyAttempt = {
  readonly command: string
  readonly attempt: number
  readonly pid: number | null
  /** ms since the epoch. */
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly durationMs: number | null
  readonly exitCode: number | null
  readonly signal: string | null
  /** It was asked to stop. */
  readonly stopped: boolean
  /** Nobody saw it end: what ran it died. */
  readonly lost: boolean
  /** Why it could not start; null when it did. */
  readonly error: string | null
  /** Of the catalogue. */
  readonly errorCode: string | null
  /** What its failure means for another try, and what shows it; null when it did not fail. */
  readonly finding: ExitFinding | null
  /** Signals that signalbox sent, and for whom. */
  readonly signals: readonly SignalRecord[]
  readonly survivors: readonly SurvivorRecord[]
  readonly log: string | null
  readonly logGap: boolean
  readonly lastLines: readonly string[]
}

/** What a supervisor did about an end. */
export type WhyDecision = {
  /** ms since the epoch. */
  readonly at: number
  readonly command: string | null
  readonly decision: string
  readonly restarts: number
  readonly allowed: Intensity
  readonly delayMs: number
  /** Waits in a row, this one included. */
  readonly waits: number
  /** What of the exit decided, where it was not the restart type alone. */
  readonly reason: string | null
  /** The decision in words, with the counters behind it. */
  readonly text: string
}

/** An actor of signalbox itself that crashed. */
export type WhyCrash = {
  /** ms since the epoch. */
  readonly at: number
  readonly name: string
  readonly error: string
}

/** What is known of a thing: what it does, why, and what comes. `signalbox why --json`, and the method `why`. */
export type WhyAnswer = {
  readonly type: 'why'
  /** When it was answered. ms since the epoch. */
  readonly at: number
  readonly subject: WhySubject
  readonly state: WhyState
  /** Since when it is in that state; null where that is not known. ms since the epoch. */
  readonly since: number | null
  /** What it does, or how it ended, and the reason, in words; a line for each of several things. */
  readonly summary: string
  /** What led to it, oldest first. */
  readonly causes: readonly WhyCause[]
  /** Null when it is over. */
  readonly next: WhyNext | null
  readonly remedies: readonly WhyRemedy[]
  /** Null while it goes on. */
  readonly outcome: Outcome | CommandSummary['outcome'] | null
  /** As its summary records it. */
  readonly reason: string | null
  /** Where the worktree of its lane is, if it is kept. */
  readonly worktree: string | null
  readonly attempts: readonly WhyAttempt[]
  readonly decisions: readonly WhyDecision[]
  readonly transitions: readonly WhyTransition[]
  readonly crashes: readonly WhyCrash[]
  /** What is known of its last crash, and where; null when there is none on record. */
  readonly dossier: CrashBrief | null
}
