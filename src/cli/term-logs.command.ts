import type { ControlClient } from '../client/client.ts'
import type { ResultOf } from '../protocols/control/methods.ts'
import { isSignalboxError } from '../protocols/errors.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, printJson, safeWriter } from './io.ts'
import { withOrchestrator } from './orchestrator-client.ts'

export type TermLogsOptions = { readonly follow?: boolean; readonly lines?: number; readonly attempt?: number; readonly json?: boolean }

/** The most that is read of a log at once: as much as the method gives. */
const TAIL_BYTES = 524_288
const LINE_FEED = 0x0a
/** A program may end, or the log be cut, while it prints in colour. */
const PLAIN = '\u001b[0m'

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

/** Output after `from`, until the process ends or nobody reads. Offsets of the log are those of the output. */
const follow = async (client: ControlClient, terminal: string, from: number, io: Io): Promise<void> => {
  const { closed } = safeWriter(io.out)
  const attachment = await client.attach(terminal, { tailBytes: TAIL_BYTES }).catch((error: unknown) => {
    if (isSignalboxError(error, 'ERR_PTY_ENDED')) return null
    throw error
  })
  if (attachment === null) return
  io.out.on('close', () => attachment.detach())
  for await (const output of attachment.output) {
    if (closed()) return attachment.detach()
    if ('gap' in output) safeWriter(io.err).write(`signalbox: ${output.gap.to - output.gap.from} bytes came faster than they were read\n`)
    else {
      const bytes = output.bytes.subarray(Math.max(0, from - output.offset))
      if (bytes.length > 0 && !io.out.write(bytes)) await drained(io)
    }
  }
}

const drained = (io: Io): Promise<void> =>
  new Promise((resolve) => {
    for (const event of ['drain', 'close', 'error']) io.out.once(event, resolve)
  })

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
    const out = safeWriter(io.out)
    if (shown.length > 0) io.out.write(shown)
    try {
      // of an attempt that is named, and may be over, there is no more
      if (options.follow === true && options.attempt === undefined) await follow(client, terminal.id, log.from + bytes.length, io)
    } finally {
      if (io.out.isTTY === true) out.write(PLAIN)
    }
    return EXIT.ok
  })
