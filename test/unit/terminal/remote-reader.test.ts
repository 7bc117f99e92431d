import { describe, expect, it } from 'vitest'
import type { OutputChunk } from '../../../src/ports/terminal-host.port.ts'
import { RemoteReader } from '../../../src/terminal-host/remote-reader.ts'

const NO_LINK = { open: () => {}, used: () => {}, close: () => {}, over: () => {} }
/** What a connection reads into, again and again. */
const SHARED = Buffer.alloc(64)
const gives = (reader: RemoteReader, offset: number, text: string): void => {
  SHARED.fill(text)
  reader.output(offset, SHARED.subarray(0, text.length))
  SHARED.fill('?')
}
const textOf = ({ value }: IteratorResult<OutputChunk>): string => ('bytes' in value ? Buffer.from(value.bytes).toString() : 'a gap')

describe('a reader of a PTY in another process', () => {
  it.each([true, false])(
    'has right bytes until it asks for the next, however much comes meanwhile (borrowed: %s) [PTY-11]',
    async (borrows) => {
      const reader = new RemoteReader(NO_LINK, borrows)
      gives(reader, 0, 'first')
      gives(reader, 5, 'second')
      const first = await reader.next()
      gives(reader, 11, 'third')
      expect(textOf(first)).toBe('first')
      const second = await reader.next()
      gives(reader, 16, 'fourth')
      gives(reader, 22, 'fifth')
      expect(textOf(second)).toBe('second')
      for (const text of ['third', 'fourth', 'fifth']) expect(textOf(await reader.next())).toBe(text)
    },
  )

  it('takes no memory for what is borrowed, once it has some; what is kept stays as it is for ever [PTY-11]', async () => {
    const memoryOf = async (borrows: boolean): Promise<{ readonly pieces: number; readonly first: string }> => {
      const reader = new RemoteReader(NO_LINK, borrows)
      const seen = new Set<ArrayBufferLike>()
      let first: IteratorResult<OutputChunk> | undefined
      for (let round = 0; round < 50; round += 1) {
        gives(reader, round * 4, 'abcd')
        const chunk = await reader.next()
        first ??= chunk
        if ('bytes' in chunk.value) seen.add(chunk.value.bytes.buffer)
        SHARED.fill('!')
      }
      return { pieces: seen.size, first: textOf(first as IteratorResult<OutputChunk>) }
    }
    expect((await memoryOf(true)).pieces).toBe(2)
    expect(await memoryOf(false)).toEqual({ pieces: 50, first: 'abcd' })
  })
})
