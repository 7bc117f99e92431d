import type { EventIds } from './events.ts'
import type { Exit } from './exit.ts'
import type { ExitFinding } from './exit-class.ts'
import type { Intensity } from './plan.ts'
import type { SignalRecord, SurvivorRecord } from './pty-exit.ts'

/** What a process used when last looked at. */
export type UsageRecord = {
  /** ms since the epoch. */
  readonly at: number
  readonly rssBytes: number
  readonly peakRssBytes: number
  readonly cpuMs: number
  readonly fds: number | null
}

/** The process behind a terminal, and what it said last. */
export type ProcessEvidence = {
  readonly attempt: number
  readonly pid: number | null
  readonly argv: readonly string[]
  readonly cwd: string | null
  /** Null when a signal ended it, or it never ran. */
  readonly exitCode: number | null
  readonly signal: string | null
  /** Why it could not start; null when it did. */
  readonly error: string | null
  readonly finding: ExitFinding | null
  readonly durationMs: number | null
  readonly signals: readonly SignalRecord[]
  readonly survivors: readonly SurvivorRecord[]
  readonly outputBytes: number | null
  readonly lastLines: readonly string[]
  readonly log: string | null
  /** Of its leader, at most seconds before its end; null where it ended sooner, or the platform does not tell. */
  readonly usage: UsageRecord | null
}

/** What is known of an end that was not clean. Secrets are masked; of bounded size. */
export type CrashDossier = EventIds & {
  readonly type: 'crash'
  /** Sorts by time. */
  readonly id: string
  /** ms since the epoch. */
  readonly at: number
  readonly actor: { readonly name: string; readonly incarnation: number; readonly kind: string }
  readonly lane: string | null
  readonly command: string | null
  readonly exit: Exit
  /** What it was handling; null when it ended between messages. */
  readonly handling: { readonly type: string; readonly from: string | null; readonly message: unknown } | null
  readonly state: unknown
  /** Its last messages, oldest first, at most 20. */
  readonly history: readonly {
    readonly at: number
    readonly type: string
    readonly from: string | null
    readonly lane: string
    readonly message: unknown
  }[]
  /** What its supervisor decided; null when it was not asked: it was ending itself, or this was a first start. */
  readonly decision: {
    readonly supervisor: string
    readonly decision: 'restart' | 'wait' | 'remove' | 'escalate' | 'auto-shutdown'
    readonly reason: string | null
    readonly restarts: number
    readonly waits: number
    readonly allowed: Intensity
    readonly delayMs: number
    readonly group: readonly string[]
  } | null
  /** Of an actor that stands for a process. */
  readonly process: ProcessEvidence | null
  /** The orchestrator and the machine at that time. */
  readonly resources: { readonly orchestrator: UsageRecord | null; readonly freeMemoryBytes: number; readonly load1: number }
  /** Crashes before this one that are not on record, because too many came at once or the disk was full. */
  readonly lost: number
}

/** What people look at first in a dossier. */
export type CrashBrief = {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly runId: string | null
  readonly lane: string | null
  readonly command: string | null
  /** `name$incarnation`. */
  readonly actor: string
  /** How it ended, in words. */
  readonly exit: string
  /** Type of the message that it was handling. */
  readonly handling: string | null
  /** What its supervisor did about it, in words. */
  readonly decision: string | null
  /** The most memory that its process, or else the orchestrator, used. */
  readonly peakRssBytes: number | null
  /** The whole dossier. */
  readonly file: string
}
