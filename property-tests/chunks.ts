import fc from 'fast-check'

/** Cuts bytes into chunks that all lie in one buffer, as those of a socket may: what is kept must be copied. */
export const chunked = function* (bytes: Uint8Array, cuts: readonly number[]): Generator<Buffer> {
  const buffer = Buffer.alloc(bytes.length + 1)
  let at = 0
  for (const cut of [...cuts, bytes.length]) {
    const chunk = bytes.subarray(at, at + cut)
    at += chunk.length
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.length)
    buffer.fill(0x3f)
    if (at >= bytes.length) return
  }
}

/** Lengths of chunks. @param max of one, in bytes */
export const cutsUpTo = (max: number): fc.Arbitrary<number[]> => fc.array(fc.integer({ min: 1, max }), { maxLength: 60 })
