import type { Io } from './io.ts'
import { version } from '../runtime/version.ts'
import { onLostOutput, safeWriter } from './writer.ts'

/** Exit codes needed before the catalogue of errors is loaded. */
const OK = 0
const ENVIRONMENT = 4

/** Streams tell of a failed write later: waits until all that was written is out, or is known to have failed. */
const flushed = async (io: Io): Promise<void> => {
  if (io.out.writable !== false) await new Promise<void>((resolve) => io.out.write('', () => resolve()))
  // the event of a failure follows what the callback was told
  await new Promise((resolve) => setImmediate(resolve))
}

const processIo = (): Io => ({ out: process.stdout, err: process.stderr, env: process.env, cwd: process.cwd() })

/** The version is asked for by scripts, at each prompt of a shell: it loads nothing that it does not need. */
const execute = async (argv: readonly string[], io: Io): Promise<number> => {
  if (argv[0] === '--version' || argv[0] === '-V') {
    safeWriter(io.out).write(`${version()}\n`)
    return OK
  }
  const { dispatch } = await import('./dispatch.ts')
  return dispatch(argv, io)
}

/**
 * The command line.
 * @param argv without node and script
 * @returns the exit code; never rejects
 */
export const main = async (argv: readonly string[], io: Io = processIo()): Promise<number> => {
  const err = safeWriter(io.err)
  let lost = false
  onLostOutput(io.out, ({ message }) => {
    lost = true
    err.write(`signalbox: the output could not be written: ${message}\nnext: Free space, or write it elsewhere.\n`)
  })
  try {
    const code = await execute(argv, io)
    await flushed(io)
    return lost && code === OK ? ENVIRONMENT : code
  } catch (error) {
    const { errorText, exitCodeOf } = await import('./exit-codes.ts')
    const text = errorText(error, io.env['SIGNALBOX_DEBUG'] === '1')
    err.write(io.err.isTTY === true ? (await import('./wrap.ts')).fitted(text, io.err) : text)
    return exitCodeOf(error)
  }
}
