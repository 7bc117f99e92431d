import type { ControlClient } from '../client/client.ts'
import type { ResultOf } from '../protocols/control/methods.ts'
import { isSignalboxError } from '../protocols/errors.ts'
import { ClipboardFilter } from './clipboard-filter.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, printJson, safeWriter } from './io.ts'
import { withOrchestrator } from './orchestrator-client.ts'
import { replayed } from './replay-output.ts'
import { ScreenModes } from './screen-modes.ts'
import { untilSignal } from './until-signal.ts'
import { drained } from './writer.ts'

export type TermLogsOptions = { readonly follow?: boolean; readonly lines?: number; readonly attempt?: number; readonly json?: boolean }

/** The most that is read of a log at once: as much as the method gives. */
const TAIL_BYTES = 524_288
const LINE_FEED = 0x0a

/** The last lines of what was put out; of a log that begins before, whole ones. */
const lastLines = (bytes: Buffer, lines: number, isCut: boolean): Buffer => {
  if (lines === 0) return bytes.subarray(bytes.length)
  let start = bytes.at(-1) === LINE_FEED ? bytes.length - 1 : bytes.length
  for (let left = lines; left > 0; left -= 1) {
    const before = start === 0 ? -1 : bytes.lastIndexOf(LINE_FEED, start - 1)
    if (before < 0) return isCut ? bytes.subarray(bytes.indexOf(LINE_FEED) + 1) : bytes
    start = before
  }
  return bytes.subarray(start + 1)
}

/**
 * Where it is shown. A terminal is asked nothing that the program asked its own, as the answer would be typed into the shell of
 * the user; its clipboard is left alone, and it is given back as it was.
 */
class Screen {
  private readonly io: Io
  private readonly signal: AbortSignal
  private readonly modes: ScreenModes | null
  private readonly clipboard = new ClipboardFilter()

  constructor(io: Io, signal: AbortSignal) {
    this.io = io
    this.signal = signal
    this.modes = io.out.isTTY === true ? new ScreenModes() : null
  }

  async show(bytes: Buffer): Promise<void> {
    const shown = this.modes === null ? bytes : this.clipboard.pass(replayed(bytes, false))
    this.modes?.see(shown)
    const { out } = this.io
    if (shown.length > 0 && !out.write(shown)) await drained(out, this.signal)
  }

  restore(): void {
    if (this.modes !== null) safeWriter(this.io.out).write(this.modes.undo())
  }
}

/** Output after `from`, until the process ends, the signal, or nobody looks any more. Offsets of the log are those of the output. */
const follow = async (
  client: ControlClient,
  terminal: string,
  from: number,
  { io, screen, signal }: { io: Io; screen: Screen; signal: AbortSignal },
): Promise<void> => {
  const { closed } = safeWriter(io.out)
  const err = safeWriter(io.err)
  const attachment = await client.attach(terminal, { tailBytes: TAIL_BYTES, signal }).catch((error: unknown) => {
    if (signal.aborted || isSignalboxError(error, 'ERR_PTY_ENDED')) return null
    throw error
  })
  if (attachment === null) return
  io.out.on('close', () => attachment.detach())
  let next = from
  try {
    for await (const output of attachment.output) {
      if (signal.aborted || closed()) break
      if (!('bytes' in output)) continue
      if (output.offset > next) err.write(`\nsignalbox: ${output.offset - next} bytes came faster than they were read\n`)
      const bytes = Buffer.from(output.bytes.subarray(Math.max(0, next - output.offset)))
      next = Math.max(next, output.offset + output.bytes.length)
      await screen.show(bytes)
    }
  } finally {
    attachment.detach()
  }
}

const tailOf = async (client: ControlClient, terminal: string, attempt: number | undefined): Promise<ResultOf<'terminal.logs'>> =>
  client.call('terminal.logs', { terminal, tailBytes: TAIL_BYTES, ...(attempt !== undefined && { attempt }) })

/** `signalbox term logs TERMINAL`. */
export const termLogsCommand = (word: string, options: TermLogsOptions, io: Io): Promise<number> =>
  withOrchestrator(io, 'term logs', async (client) => {
    const { terminal } = await client.call('terminal.get', { terminal: word })
    const log = await tailOf(client, terminal.id, options.attempt)
    const bytes = Buffer.from(log.bytes, 'base64')
    const shown = lastLines(bytes, options.lines ?? 50, log.from > 0)
    if (options.json === true) {
      printJson(io, { type: 'terminal-logs', ...log, from: log.from + bytes.length - shown.length, bytes: shown.toString('base64') })
      return EXIT.ok
    }
    // of an attempt that is named, and may be over, there is no more
    const follows = options.follow === true && options.attempt === undefined
    return untilSignal(async (signal) => {
      const screen = new Screen(io, signal)
      try {
        await screen.show(shown)
        if (follows && !signal.aborted) await follow(client, terminal.id, log.from + bytes.length, { io, screen, signal })
      } finally {
        screen.restore()
      }
      return signal.aborted ? EXIT.interrupted : EXIT.ok
    })
  })
