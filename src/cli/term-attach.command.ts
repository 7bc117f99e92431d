import type { WindowSize } from '../protocols/control/screen.ts'
import { SignalboxError } from '../protocols/errors.ts'
import { attachTerminal } from './attach-terminal.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, safeWriter } from './io.ts'
import { withOrchestrator } from './orchestrator-client.ts'
import { exitText } from '../protocols/words.ts'

/** `detachKey`: such as `ctrl-q`. */
export type AttachCommandOptions = { readonly detachKey: string; readonly windowSize?: WindowSize; readonly clipboard?: boolean }

/** `signalbox term attach TERMINAL`. */
export const termAttachCommand = async (
  word: string,
  { detachKey, windowSize, clipboard }: AttachCommandOptions,
  io: Io,
): Promise<number> => {
  if (!process.stdin.isTTY || io.out.isTTY !== true) {
    const text = 'attaching needs a terminal; to look use `signalbox term logs --follow`, to type `signalbox term send`'
    throw new SignalboxError('ERR_USAGE', text)
  }
  return withOrchestrator(io, 'term attach', async (client) => {
    const { columns: cols, rows } = io.out
    const size = cols !== undefined && rows !== undefined && cols > 0 && rows > 0 ? { cols, rows } : {}
    const attachment = await client.attach(word, { ...size, screen: true, ...(windowSize !== undefined && { windowSize }) })
    const { lane, name, id } = attachment.terminal
    if (io.env['SIGNALBOX_TERMINAL'] === id) {
      attachment.detach()
      throw new SignalboxError('ERR_USAGE', `this is terminal ${lane}/${name} itself, which would show what it shows without end`)
    }
    const err = safeWriter(io.err)
    err.write(`[${lane}/${name}: ${detachKey} leaves it]\n`)
    const seat = { input: process.stdin, output: io.out, detachKey, clipboard: clipboard ?? attachment.clipboard }
    const { end, by } = await attachTerminal(attachment, seat).catch((error: unknown) => {
      // below what the program wrote last
      err.write('\n')
      throw error
    })
    if (end !== null) {
      err.write(`\n[${lane}/${name}: ${exitText(end.exitCode, end.signal)}]\n`)
      return end.exitCode === 0 ? EXIT.ok : EXIT.failed
    }
    err.write(`\n[left ${lane}/${name}, which goes on]\n`)
    return by === 'signal' ? EXIT.interrupted : EXIT.ok
  })
}
