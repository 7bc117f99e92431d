import type { ErrorRecord } from './errors.ts'

/** Why an actor ended: one of OTP's reasons, or handover. */
export type ExitReason = 'normal' | 'shutdown' | 'handover' | 'killed' | 'crashed' | 'init_failed' | 'timeout' | 'escalated'

/** How an incarnation of an actor ended. */
export type Exit = {
  readonly reason: ExitReason
  /** What went wrong, for reasons other than normal, shutdown and handover. */
  readonly error?: ErrorRecord
  /** Of a supervisor that escalated: the exit of the child that caused it. */
  readonly cause?: Exit
}

/** One that neither ended by itself nor gave up went with its supervisor, which brings it back. */
export const wentWithSupervisor = ({ reason }: Exit): boolean => reason === 'killed' || reason === 'handover'
