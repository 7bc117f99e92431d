import { type Paint, painter } from './paint.ts'

/** A stream as far as the command line needs it. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  readonly writable?: boolean
}

/** What a command talks to. Data goes to `out`, everything else to `err`. */
export type Io = {
  readonly out: Output
  readonly err: Output
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
}

/** Codes of a stream whose reader went away, which is no error of anybody: a closed pipe, a terminal that is gone. */
const READER_GONE = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'])

/** Calls `lost` once when output could not be written for another cause, such as a full disk. */
export const onLostOutput = (stream: Output, lost: (error: Error) => void): void => {
  let told = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (told || READER_GONE.has(error.code ?? '')) return
    told = true
    lost(error)
  })
}

/** A writer that outlives its reader: once a write failed it says nothing more, and nothing fails. */
export type SafeWriter = { readonly write: (text: string) => void; readonly closed: () => boolean }

export const safeWriter = (stream: Output): SafeWriter => {
  let closed = false
  stream.on('error', () => {
    closed = true
  })
  return {
    closed: () => closed,
    write(text) {
      if (!closed && stream.writable !== false) stream.write(text)
    },
  }
}

/** Whether to colour: NO_COLOR (https://no-color.org) wins, then FORCE_COLOR, then whether somebody looks. */
export const wantsColours = (stream: Output, env: NodeJS.ProcessEnv): boolean => {
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '' && env['FORCE_COLOR'] !== '0') return true
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

export const paintFor = (io: Io): Paint => painter(wantsColours(io.out, io.env))

/** Prints lines for people. */
export const printLines = (io: Io, lines: readonly string[]): void => safeWriter(io.out).write(`${lines.join('\n')}\n`)
/** Prints one JSON document on one line. */
export const printJson = (io: Io, value: unknown): void => safeWriter(io.out).write(`${JSON.stringify(value)}\n`)
