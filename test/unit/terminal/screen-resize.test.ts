import { describe, expect, it } from 'vitest'
import { Screen } from '../../../src/terminal-host/screen/screen.ts'
import { screenState } from '../../helpers/screen-state.ts'

const FILL = `\u001b[?1049h\u001b[H${Array.from({ length: 12 }, (_, line) => `line ${line}`).join('\r\n')}`

describe('a screen of another size', () => {
  it('is for a program that fills it as if it had always had that size [PTY-20]', async () => {
    const [shrunk, always] = [new Screen(40, 8, 100), new Screen(40, 5, 100)]
    shrunk.resize(40, 5)
    for (const screen of [shrunk, always]) {
      await screen.write(FILL)
      screen.resize(40, 7)
    }
    expect(screenState(shrunk)).toEqual(screenState(always))
    expect(shrunk.internals._bufferService.buffers.alt.ybase).toBe(0)
    for (const screen of [shrunk, always]) screen.dispose()
  })
})
