import type { PtyHealth } from './health.ts'
import type { TerminalSize } from './own-lane.protocol.ts'
import type { PtyExit } from './pty-exit.ts'

export type PtyProtocol = {
  /** Its terminal was idle for the time of its command. */
  $idle: { message: { health: PtyHealth } }
  /** It is idle no more. `by`: what showed that. */
  $activity: { message: { by: string } }
  /** Somebody gave it another size. */
  $resized: { message: { size: TerminalSize } }
  $exited: { message: { exit: PtyExit } }
  /** The host cannot say how the process ended. */
  $lost: { message: { error: unknown } }
}
