import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { catchInterrupts } from '../../../src/cli/interrupts.ts'

const setUp = () => {
  const source = new EventEmitter()
  const calls: string[] = []
  const interrupts = catchInterrupts((signal) => calls.push(`noticed ${signal}`), source)
  const run = { stop: (by: string) => calls.push(`stop ${by}`), kill: (by: string) => calls.push(`kill ${by}`) }
  return { source, calls, interrupts, run: run as { stop(by: string): void; kill(by: string): void } }
}

describe('signals during a run', () => {
  it('stop it at the first Ctrl-C, kill it at the second, and change nothing after that', () => {
    const { source, calls, interrupts, run } = setUp()
    interrupts.attach(run)
    for (let times = 0; times < 4; times++) source.emit('SIGINT')
    expect(calls).toEqual(['noticed SIGINT', 'stop SIGINT', 'kill a second SIGINT'])
    expect(interrupts.first()).toBe('SIGINT')
  })

  it.each(['SIGTERM', 'SIGHUP'])('%s stops it, however often it comes', (signal) => {
    const { source, calls, interrupts, run } = setUp()
    interrupts.attach(run)
    source.emit(signal)
    source.emit(signal)
    expect(calls).toEqual([`noticed ${signal}`, `stop ${signal}`])
    source.emit('SIGINT')
    expect(calls.at(-1)).toBe('kill a second SIGINT')
  })

  it('that come before it has started reach it when it has', () => {
    const { source, calls, interrupts, run } = setUp()
    source.emit('SIGINT')
    source.emit('SIGINT')
    interrupts.attach(run)
    expect(calls).toEqual(['noticed SIGINT', 'stop SIGINT', 'kill a second SIGINT'])
  })

  it('are given back afterwards', () => {
    const { source, interrupts } = setUp()
    interrupts[Symbol.dispose]()
    expect(source.eventNames()).toEqual([])
  })
})
