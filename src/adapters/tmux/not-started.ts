import type { LineRequest } from '../../ports/terminal-lines.port.ts'
import { isSignalboxError, SignalboxError } from '../../protocols/errors.ts'
import { ENDED_EARLY } from './meeting-place.ts'

/**
 * What tmux says of the system's own refusals (strerror(3) in the C locale). A holder that ends early was killed, or had no
 * connection as somebody was out of descriptors: it may go better in a moment.
 */
const ERRNOS: readonly (readonly [string, string])[] = [
  ['Too many open files in system', 'ENFILE'],
  ['Too many open files', 'EMFILE'],
  ['Resource temporarily unavailable', 'EAGAIN'],
  ['Cannot allocate memory', 'ENOMEM'],
  ['No space left on device', 'ENOSPC'],
  [ENDED_EARLY, 'EAGAIN'],
]

/** @returns ERR_PTY_SPAWN_FAILED, with the name of the errno where tmux tells one. */
export function notStarted({ ptyId, argv }: LineRequest, cause: unknown): SignalboxError {
  const why = cause instanceof Error ? cause.message : String(cause)
  // Over another connection it may be done: a holder that nobody expects any more ends.
  const isOver = isSignalboxError(cause) && cause.context['isOver'] === true
  const errno = ERRNOS.find(([text]) => why.includes(text))?.[1] ?? (isOver ? 'EAGAIN' : 'EIO')
  const doing = 'opening a pane of tmux'
  return new SignalboxError('ERR_PTY_SPAWN_FAILED', `Cannot start ${argv[0]}: ${doing} failed with ${errno}: ${why}`, {
    context: { ptyId, doing, errno },
    cause,
  })
}
