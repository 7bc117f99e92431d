import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { Clock } from '../../../src/ports/clock.port.ts'
import { lastLine, runScript } from './run-script.ts'
import { openKit, sh, specOf, text, until, untilOutput } from './terminal-kit.ts'

/** CPU time of this process, as a share of the time that passed, while `during` runs. */
async function cpuShare(during: () => Promise<void>): Promise<number> {
  const start = performance.now()
  const before = process.cpuUsage()
  await during()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / (performance.now() - start)
}

describe('cost while nothing happens', () => {
  it('input for a child that never reads costs next to no CPU: the pauses grow to 100 ms [PTY-5]', async () => {
    const delays: number[] = []
    const clock: Clock = {
      ...systemClock,
      setTimer: (delayMs, fire) => {
        delays.push(delayMs)
        return systemClock.setTimer(delayMs, fire)
      },
    }
    await using kit = openKit({ clock })
    const pty = await kit.host.spawn(sh('stty raw -echo; echo ready; exec sleep 3600'))
    await untilOutput(pty, 'ready')
    const written = pty.write(Buffer.alloc(1_000_000)).catch((error: unknown) => error)
    const share = await cpuShare(() => until('the pauses have grown', () => delays.length >= 20))
    // From 1 ms, doubled up to 100 ms; back to 1 ms only when the kernel took something (it holds some kilobytes).
    for (const [index, delayMs] of delays.entries()) expect([1, Math.min(100, 2 * (delays[index - 1] ?? 0.5))]).toContain(delayMs)
    expect(delays.slice(-5)).toEqual([100, 100, 100, 100, 100])
    expect(share).toBeLessThan(0.4) // node-pty's own writer: 0.7 to 0.9 of a core (FACTS)
    await kit.host.close(0)
    expect(await written).toMatchObject({ code: 'ERR_PTY_ENDED' })
  })

  it('a hundred idle terminals set no timer [PTY-16]', async () => {
    let timers = 0
    const clock: Clock = {
      ...systemClock,
      setTimer: (delayMs, fire) => {
        timers += 1
        return systemClock.setTimer(delayMs, fire)
      },
    }
    await using kit = openKit({ clock })
    const ptys = await Promise.all(Array.from({ length: 100 }, () => kit.host.spawn(sh('echo ready; exec sleep 3600'))))
    await Promise.all(ptys.map((pty) => untilOutput(pty, 'ready')))
    expect(timers).toBe(0)
  })

  for (const way of ['close', 'leave']) {
    it(`node ends by itself after the last terminal, ${way === 'close' ? 'with' : 'without'} close [PTY-16]`, async () => {
      const result = await runScript('ends-by-itself.ts', [way])
      expect(result).toMatchObject({ code: 0, signal: null })
      expect(lastLine(result)).toEqual({ exitCode: 0 })
    })
  }
})

describe('many at once', () => {
  it('300 terminals start together, each with its own output, within 500 MB, and end without a trace [PTY-16]', async () => {
    await using kit = openKit()
    const before = process.memoryUsage.rss()
    const specs = Array.from({ length: 300 }, (_, index) => specOf(['/bin/sh', '-c', `echo number ${index}; read x`]))
    const ptys = await Promise.all(specs.map((spec) => kit.host.spawn(spec)))
    await Promise.all(ptys.map((pty, index) => untilOutput(pty, `number ${index}\r\n`)))
    expect(await Promise.all(ptys.map((pty) => text(pty)))).toEqual(specs.map((_, index) => `number ${index}\r\n`))
    expect(process.memoryUsage.rss() - before).toBeLessThan(500_000_000)
    const exits = await Promise.all(ptys.map((pty) => pty.terminate({ graceMs: 10_000, askedBy: 'test' })))
    expect(exits.every(({ signal }) => signal === 'SIGHUP' || signal === 'SIGTERM')).toBe(true)
    expect(await kit.processTable.findByMark(`ws_test${process.pid}/`)).toEqual([])
  })
})
