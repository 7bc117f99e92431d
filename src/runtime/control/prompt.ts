import type { Clock } from '../../ports/clock.port.ts'
import type { Waiting } from '../../ports/process-table.port.ts'
import type { Pty } from '../../ports/terminal-host.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'

const FIRST_LOOK_MS = 10
const LAST_LOOK_MS = 200
/** Seen twice in a row: between two commands of a script there is a moment like a prompt. */
const LOOKS = 2

const READS: ReadonlySet<Waiting> = new Set<Waiting>(['input', 'prompt', 'listening'])

const WORDS: Readonly<Record<Waiting, string>> = {
  input: 'reads now',
  prompt: 'is at a prompt now',
  listening: 'listens now',
  output: 'is blocked: nobody takes its output',
  busy: 'does something else',
  unknown: 'cannot be looked at here',
}

/**
 * Waits until the foreground program of a terminal reads from it, or listens to it among others.
 * @throws ERR_PTY_NOT_READING after `limitMs`, ERR_PTY_ENDED
 */
export async function untilItReads(pty: Pty, limitMs: number, clock: Clock): Promise<void> {
  const limit = clock.monotonic() + limitMs
  let isOver = false
  const over = (): void => void (isOver = true)
  pty.exited.then(over, over)
  for (let looks = 0, delayMs = FIRST_LOOK_MS; ; delayMs = Math.min(LAST_LOOK_MS, delayMs * 2)) {
    const waiting = await pty.waiting()
    looks = READS.has(waiting) ? looks + 1 : 0
    if (looks >= LOOKS || isOver) return // what has ended says so when it is written to
    const left = limit - clock.monotonic()
    if (left <= 0) {
      throw new SignalboxError(
        'ERR_PTY_NOT_READING',
        `the program does not read from its terminal after ${limitMs} ms: it ${WORDS[waiting]}`,
        {
          context: { ptyId: pty.ptyId, waiting, limitMs },
        },
      )
    }
    await new Promise<void>((resolve) => void clock.setTimer(Math.min(looks > 0 ? FIRST_LOOK_MS : delayMs, left), resolve))
  }
}
