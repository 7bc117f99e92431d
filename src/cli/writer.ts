/** A stream as far as the command line needs it. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  readonly writable?: boolean
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

const FREED = ['drain', 'close', 'error']

/** Waits until a full stream has place again, is over, or the signal comes. */
export const drained = async (stream: Output, signal?: AbortSignal): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  for (const event of FREED) stream.once(event, resolve)
  signal?.addEventListener('abort', resolve)
  await promise
  for (const event of FREED) stream.removeListener(event, resolve)
  signal?.removeEventListener('abort', resolve)
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
