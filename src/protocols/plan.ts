import type { CommandLimits } from './limits.ts'

/** When a supervisor restarts a child that ended. Source: OTP supervisor. */
export type RestartType = 'permanent' | 'transient' | 'temporary'

/** At most `restarts` in any window of `withinMs`; one more and the supervisor itself ends (SUP-4). */
export type Intensity = { readonly restarts: number; readonly withinMs: number }

/** Delay before the nth restart in a row: min(maxMs, minMs·2^n), less up to `jitter` of it (SUP-5). */
export type Backoff = {
  readonly minMs: number
  readonly maxMs: number
  /** 0 to 1. */ readonly jitter: number
  /** A child that lived this long starts at minMs again. */ readonly resetAfterMs: number
}

/** What is told apart by what a command says last. */
export type TextClass = 'authentication' | 'rateLimited' | 'memory'
/** What the failure of a command means for another try of it. */
export type ExitClass = TextClass | 'notExecutable' | 'signal' | 'failure'
/** What is done about a failure: restart and wait only where the restart type restarts. */
export type ExitAction = 'restart' | 'wait' | 'stop'

/** How the failures of a command are told apart, and what is done about each. */
export type ExitRules = {
  /** @defaultValue notExecutable and authentication stop, rateLimited waits, the rest restarts */
  readonly decide: Readonly<Record<ExitClass, ExitAction>>
  /** Texts of the last lines of output that mean a class: any part of a line, without regard to case. */
  readonly texts: Readonly<Record<TextClass, readonly string[]>>
  /** Whether the texts that signalbox knows are looked for too. @defaultValue true */
  readonly usual: boolean
  /** Where nothing says how long: `minMs`, doubled with each wait in a row. Never longer than `maxMs`, and at most `times` in a row. @defaultValue 60,000 ms to 3,600,000 ms, 10 times */
  readonly wait: { readonly minMs: number; readonly maxMs: number; readonly times: number }
}

/** A command of a lane, all defaults filled in. */
export type PlanCommand = {
  /** Unique in its lane; given, or made from the text of the command. [A-Za-z0-9._-]{1,64} */
  readonly name: string
  /** A string runs by `/bin/sh -c`; a list is argv. */
  readonly run: string | readonly string[]
  /** @defaultValue temporary */
  readonly restart: RestartType
  /** @defaultValue 1 restart in 5,000 ms (SUP-4) */
  readonly intensity: Intensity
  /** @defaultValue 200 ms doubling to 30,000 ms, jitter 0.1, reset after 60,000 ms */
  readonly backoff: Backoff
  /** SIGTERM to SIGKILL. @defaultValue 5,000 ms (PTY-7) */
  readonly graceMs: number
  /** So long without output, input and CPU, and it counts as idle. 0: never. @defaultValue 600,000 ms (PTY-10) */
  readonly idleAfterMs: number
  /** @defaultValue none */
  readonly limits: CommandLimits
  readonly classify: ExitRules
  readonly env: Readonly<Record<string, string>>
}

export type PlanLane = {
  /** [A-Za-z0-9._-]{1,64}, no leading dash or dot; unique without regard to case. */
  readonly name: string
  /** Anything that names a commit. @defaultValue HEAD */
  readonly base: string
  readonly env: Readonly<Record<string, string>>
  readonly copy: readonly string[]
  readonly after: readonly string[]
  readonly commands: readonly PlanCommand[]
}

export type KeepPolicy = 'never' | 'failed' | 'always'

/** A plan, checked, all defaults filled in. */
export type Plan = {
  /** @defaultValue failed */
  readonly keep: KeepPolicy
  /** Lanes that run at once. @defaultValue 4 */
  readonly parallel: number
  /** In the order of the file. */
  readonly lanes: readonly PlanLane[]
}

/** What a plan means where it does not say. @defaultValue as above */
export type PlanDefaults = {
  readonly run: Pick<Plan, 'keep' | 'parallel'>
  readonly command: Pick<PlanCommand, 'graceMs' | 'idleAfterMs' | 'intensity' | 'backoff' | 'limits'>
}
