import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { Output } from '../../../src/terminal-host/output.ts'
import { Screen } from '../../../src/terminal-host/screen/screen.ts'
import { ScreenKeeper } from '../../../src/terminal-host/screen/screen-keeper.ts'
import { Screens, type ScreensOptions } from '../../../src/terminal-host/screen/screens.ts'
import { screenState } from '../../helpers/screen-state.ts'
import { until } from './terminal-kit.ts'

const THREAD = new URL('../../../src/terminal-host/screen/screen-thread.ts', import.meta.url)
const ended: Screens[] = []
afterEach(async () => {
  for (const screens of ended.splice(0)) await screens.end()
})

const openScreens = (options: Partial<ScreensOptions> = {}): { screens: Screens; threads: Worker[] } => {
  const threads: Worker[] = []
  const start = (): Worker => {
    const thread = new Worker(THREAD, { execArgv: [] })
    threads.push(thread)
    return thread
  }
  const screens = new Screens({ clock: systemClock, start, ...options })
  ended.push(screens)
  return { screens, threads }
}

const terminal = (screens: Screens): { output: Output; keeper: ScreenKeeper } => {
  const output: Output = new Output(
    131_072,
    () => {},
    undefined,
    (bytes, offset) => keeper.givenUp(bytes, offset),
  )
  const keeper: ScreenKeeper = new ScreenKeeper(output, screens, systemClock, { cols: 60, rows: 10 })
  return { output, keeper }
}
const put = (output: Output, text: string): void => output.append(Buffer.from(text))
const shown = async (keeper: ScreenKeeper): Promise<string> => {
  const { bytes, cols, rows } = await keeper.snapshot()
  const screen = new Screen(cols, rows, 100)
  await screen.write(bytes)
  return JSON.stringify(screenState(screen))
}
/** Drawn once, then much else, so that the ring does not hold it. */
const fillsTheScreen = (output: Output, text: string): void => {
  put(output, `\u001b[?1049h\u001b[2;2H${text}`)
  for (let count = 0; count < 6_000; count += 1) put(output, `\u001b[5;5H${count} and so on, and so on, and so on\u001b[K`)
}

describe('the thread of screens', () => {
  it('is not started by output, whatever a program does, as long as no screen is needed [PTY-20]', () => {
    const { screens } = openScreens()
    const { output } = terminal(screens)
    for (let count = 0; count < 100_000; count += 1) put(output, `\u001b[32mline ${count}\u001b[0m\r\n`)
    expect(screens.isRunning).toBe(false)
  })

  it('ends when nobody needs it, and is started again for the next who does [PTY-20]', async () => {
    const { screens, threads } = openScreens({ idleMs: 50 })
    const { output, keeper } = terminal(screens)
    put(output, 'something')
    expect(await shown(keeper)).toContain('something')
    keeper.close()
    await until('the thread has ended', () => !screens.isRunning)
    expect(screens.size).toBe(0)
    const next = terminal(screens)
    put(next.output, 'something else')
    expect(await shown(next.keeper)).toContain('something else')
    expect(threads).toHaveLength(2)
  })

  it('may be killed: who waits is answered from a new one, and what is lost for good is said to be [PTY-20]', async () => {
    const { screens, threads } = openScreens()
    const [one, two] = [terminal(screens), terminal(screens)]
    put(one.output, 'first terminal')
    fillsTheScreen(two.output, 'drawn once')
    expect(await shown(two.keeper)).toContain('drawn once')
    fillsTheScreen(two.output, 'that keeps the thread busy, so that it dies before it answers')
    const asked = shown(one.keeper)
    await threads[0]?.terminate()
    expect(await asked).toContain('first terminal')
    expect(threads).toHaveLength(2)
    const { complete } = await two.keeper.snapshot()
    expect(complete).toBe(false)
    put(two.output, '\u001b[?1049l')
    fillsTheScreen(two.output, 'drawn again')
    expect(await shown(two.keeper)).toContain('drawn again')
    expect(await two.keeper.snapshot()).toMatchObject({ complete: true })
  })

  it('that hangs is ended within its limit; it is started three times a minute at most [PTY-20]', async () => {
    const start = (): Worker => new Worker('setInterval(() => {}, 1000)', { eval: true })
    const { screens } = openScreens({ start, hangMs: 50 })
    for (let count = 0; count < 4; count += 1) {
      const { output, keeper } = terminal(screens)
      put(output, 'x')
      await expect(keeper.snapshot()).rejects.toMatchObject({ code: 'ERR_SCREEN_UNAVAILABLE' })
      await expect(keeper.snapshot()).rejects.toMatchObject({ code: 'ERR_SCREEN_UNAVAILABLE' })
    }
    const { output, keeper } = terminal(screens)
    fillsTheScreen(output, 'nothing that a terminal would notice')
    await expect(keeper.snapshot()).rejects.toThrow('failed 3 times within a minute')
  })

  it('takes no more than its queue, and what fell behind is drawn again from what is held [PTY-20]', async () => {
    const { screens } = openScreens()
    const { output, keeper } = terminal(screens)
    put(output, '\u001b[?1049hdrawn once')
    const piece = Buffer.from('\u001b[5;5Hmuch of it \u001b[K'.repeat(3_000))
    for (let bytes = 0; bytes < 60_000_000; bytes += piece.length) output.append(piece)
    put(output, '\u001b[7;7Hat the end')
    const { complete } = await keeper.snapshot()
    expect(complete).toBe(false)
    expect(await shown(keeper)).toContain('at the end')
  })
})
