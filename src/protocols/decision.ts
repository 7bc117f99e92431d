import type { Exit } from './exit.ts'
import type { Intensity } from './plan.ts'

/** What a supervisor did about the end of a child, with the counters behind it (SUP-9). */
export type Decision = {
  readonly supervisor: string
  readonly child: string
  readonly incarnation: number
  readonly exit: Exit
  /** restart or wait (after delayMs), remove (not to be restarted), escalate (intensity or waits exceeded, or judged so), auto-shutdown (significant). */
  readonly decision: 'restart' | 'wait' | 'remove' | 'escalate' | 'auto-shutdown'
  /** Restarts within the window, this one included. */
  readonly restarts: number
  /** Waits in a row, this one included. */
  readonly waits: number
  /** What `classify` gave as reason; null where the restart type decided alone. */
  readonly reason: string | null
  readonly allowed: Intensity
  readonly delayMs: number
  /** Children stopped and started with it (one_for_all, rest_for_one). */
  readonly group: readonly string[]
}
