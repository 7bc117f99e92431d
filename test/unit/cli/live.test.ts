import { describe, expect, it } from 'vitest'
import { FRAME_MS, startLive } from '../../../src/cli/live.ts'
import { StillClock } from '../../helpers/still-clock.ts'
import { captured } from './fakes.ts'

const HIDE = '\u001b[?25l'
const SHOW = '\u001b[?25h'

const start = (lines: () => readonly string[], out = captured({ isTTY: true, columns: 20, rows: 10 })) => {
  const clock = new StillClock()
  const frames: string[] = []
  const live = startLive({ out, clock, write: (text) => void frames.push(text), render: () => lines() })
  return { clock, frames, live, out }
}

describe('the live drawing', () => {
  it('draws at once, then only when something changed, at most ten times a second', () => {
    let line = 'one'
    const { clock, frames, live } = start(() => [line])
    expect(frames).toHaveLength(1)
    clock.advance(5_000)
    expect(frames).toHaveLength(1)
    line = 'two'
    clock.advance(FRAME_MS)
    expect(frames).toHaveLength(2)
    let changes = 0
    const busy = start(() => [String(++changes)])
    busy.clock.advance(1_000)
    expect(busy.frames.length).toBeLessThanOrEqual(11)
    live.stop()
    busy.live.stop()
  })

  it('writes a frame as a whole over the one before, without clearing the screen first', () => {
    let lines = ['a', 'b', 'c']
    const { clock, frames, live } = start(() => lines)
    lines = ['x']
    clock.advance(FRAME_MS)
    expect(frames[1]).toBe(`\u001b[?2026h${HIDE}\u001b[3A\rx\u001b[K\n\u001b[J\u001b[?2026l`)
    live.stop()
  })

  it('takes back what a narrower terminal has wrapped', () => {
    const { clock, frames, live, out } = start(() => ['x'.repeat(20), 'y'.repeat(5)])
    Object.assign(out, { columns: 8 })
    clock.advance(FRAME_MS)
    // 20 columns on 8 are three rows, and one more for the second line
    expect(frames[1]).toContain('\u001b[4A\r')
    live.stop()
  })

  it('gives back the cursor and the screen at the end, once, and stops its timer', () => {
    const { clock, frames, live } = start(() => ['a'])
    live.stop()
    live.stop()
    expect(frames).toHaveLength(2)
    expect(frames[1]).toContain(SHOW)
    expect(frames[1]).toContain('\u001b[1A\r\u001b[J')
    expect(clock.pending).toBe(0)
  })

  it('gives back the cursor when the process exits in between', () => {
    const before = process.listeners('exit')
    const { frames, live } = start(() => ['a'])
    const added = process.listeners('exit').filter((listener) => !before.includes(listener))
    expect(added).toHaveLength(1)
    added[0]?.(0)
    expect(frames.at(-1)).toBe(SHOW)
    live.stop()
    expect(process.listeners('exit')).toEqual(before)
  })

  it('asks for lines that fit the screen, and for 80 by 24 where it does not know', () => {
    const screens: unknown[] = []
    const live = startLive({ out: captured(), write: () => {}, clock: new StillClock(), render: (screen) => (screens.push(screen), []) })
    expect(screens).toEqual([{ width: 80, height: 23 }])
    live.stop()
  })
})
