import type { PtyExit } from './pty-exit.ts'

export type PtyProtocol = {
  $exited: { message: { exit: PtyExit } }
  /** The host cannot say how the process ended. */
  $lost: { message: { error: unknown } }
}
