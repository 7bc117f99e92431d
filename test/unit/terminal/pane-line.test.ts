import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { PaneLine } from '../../../src/adapters/tmux/pane-line.ts'
import { PaneLink } from '../../../src/adapters/tmux/pane-link.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'

/** A line whose holder notes what it is told. */
const opened = (): { readonly line: PaneLine; readonly told: () => string; readonly lastWords: () => Buffer } => {
  const frames: Buffer[] = []
  const socket = new Duplex({
    read: () => {},
    write: (frame: Buffer, _encoding, done) => {
      frames.push(frame)
      done()
    },
  })
  const pane = { ptyId: 'pt_1', paneId: '%1', windowId: '@1' } as const
  const server = { clock: systemClock, run: () => Promise.resolve([]), inputFile: () => '', forget: () => {} }
  const line = new PaneLine(pane, 1, new PaneLink(socket as Socket), server)
  const told = (): string => frames.map((frame) => frame.toString('latin1', 0, 1)).join('')
  return { line, told, lastWords: () => (frames.at(-1) as Buffer).subarray(5) }
}

describe('a terminal in tmux', () => {
  it('puts nothing out while it is held, whatever its readers take meanwhile, and waits for them after that [PTY-11]', () => {
    const { line, told } = opened()
    line.hold(true)
    line.setPaused(true)
    line.setPaused(false)
    expect(told()).toMatch(/^S+$/)
    line.hold(false)
    expect(told()).toMatch(/^S+R$/)
    line.setPaused(true)
    line.hold(true)
    line.hold(false)
    expect(told()).toMatch(/^S+RS+$/)
    line.setPaused(false)
    expect(told()).toMatch(/R$/)
  })

  it('held, it puts out what is left only when somebody can hear of it [PTY-17]', async () => {
    const { line, told, lastWords } = opened()
    const bytes: Uint8Array[] = []
    line.start(
      (chunk) => bytes.push(Uint8Array.from(chunk)),
      () => {},
    )
    line.hold(true)
    const drained = line.drain()
    expect(told()).toBe('S')
    line.hold(false)
    expect(told()).toBe('SF')
    line.take(Buffer.concat([Buffer.from('the end'), lastWords()]))
    await drained
    expect(Buffer.concat(bytes).toString()).toBe('the end')
  })
})
