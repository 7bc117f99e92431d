import { describe, expect, it } from 'vitest'
import { TurnClock } from '../../../src/kernel/turn-clock.ts'

const counted = () => {
  let readings = 0
  const clock = { now: () => 0, monotonic: () => (readings += 1), setTimer: () => ({ cancel: () => {} }) }
  return { turn: new TurnClock(clock), readings: () => readings }
}

describe('the clock of a turn', () => {
  it('is read once a drain, and only where somebody asks [Q-3]', () => {
    const { turn, readings } = counted()
    turn.open()
    expect([turn.monotonic(), turn.monotonic()]).toEqual([1, 1])
    turn.open()
    expect([turn.monotonic(), turn.monotonic()]).toEqual([2, 2])
    turn.close()
    turn.open()
    turn.close()
    expect(readings()).toBe(2)
  })

  it('is read anew each time between drains [Q-3]', () => {
    const { turn } = counted()
    expect([turn.monotonic(), turn.monotonic()]).toEqual([1, 2])
    turn.open()
    expect(turn.monotonic()).toBe(3)
    turn.close()
    expect([turn.monotonic(), turn.monotonic()]).toEqual([4, 5])
  })
})
