/** The thread that screens live in: what an emulator does with output, however bad, happens here and not to terminals. */
import { parentPort } from 'node:worker_threads'
import type { FromScreens, ToScreens } from './messages.ts'
import { findLines, matcher } from './output-lines.ts'
import { Screen } from './screen.ts'
import { serialize } from './serialize.ts'
import { textOf } from './text.ts'

const port = parentPort
if (port === null) throw new Error('screen-thread.ts is not for the main thread')

const screens = new Map<number, Screen>()
const waiting: ToScreens[] = []
/** Those that nobody needs any more: what waits for them is not drawn. */
const closing = new Set<number>()
let isBusy = false
/** Ends the job at hand as failed: the emulator throws from timers of its own. */
let fail: ((error: Error) => void) | null = null

const carryOut = async (message: ToScreens): Promise<Omit<FromScreens, 'done'>> => {
  if (message.do === 'open') {
    screens.set(message.id, new Screen(message.cols, message.rows, message.scrollback))
    return {}
  }
  if (message.do === 'text') return { text: await textOf(message) }
  if (message.do === 'search') {
    const { bytes, pattern, regex, ignoreCase, limit } = message
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    return { found: findLines(all, matcher(pattern, regex, ignoreCase), limit) }
  }
  const screen = screens.get(message.id)
  if (screen === undefined) {
    closing.delete(message.id)
    return message.do === 'close' ? {} : { error: 'it is closed' }
  }
  switch (message.do) {
    case 'feed':
      if (closing.has(message.id)) return {}
      await screen.write(message.bytes)
      return {}
    case 'resize':
      screen.resize(message.cols, message.rows)
      return {}
    case 'snapshot': {
      const { cols, rows } = screen.terminal
      return { drawn: { cols, rows, bytes: serialize(screen, message.scrollback), altScreen: screen.isAlternate, title: screen.title } }
    }
    case 'close':
      screen.dispose()
      screens.delete(message.id)
      closing.delete(message.id)
      return {}
  }
}

const work = async (): Promise<void> => {
  isBusy = true
  for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
    const { do: done, id } = message
    const failed = new Promise<never>((_, reject) => (fail = reject))
    const answer: FromScreens = await Promise.race([carryOut(message), failed]).then(
      (said) => ({ done, ...said }),
      (error: unknown) => {
        // what it left behind in timers does no harm
        screens.get(id)?.dispose()
        screens.delete(id)
        return { done, error: String(error) }
      },
    )
    fail = null
    port.postMessage(answer)
  }
  isBusy = false
}

process.on('uncaughtException', (error) => fail?.(error))
port.on('message', (message: ToScreens) => {
  waiting.push(message)
  if (message.do === 'close') closing.add(message.id)
  if (!isBusy) void work()
})
