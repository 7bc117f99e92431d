import type { ErrorRecord } from './errors.ts'

/** Why an actor ended. Source: DESIGN, Kernel; OTP's reasons plus handover. */
export type ExitReason = 'normal' | 'shutdown' | 'handover' | 'killed' | 'crashed' | 'init_failed' | 'timeout' | 'escalated'

export type Exit = {
  readonly reason: ExitReason
  /** What went wrong, for reasons other than normal, shutdown and handover. */
  readonly error?: ErrorRecord
  /** Of a supervisor that escalated: the exit of the child that caused it. */
  readonly cause?: Exit
}
