import { spawnSync } from 'node:child_process'
import { writeSync } from 'node:fs'
import type { ReadStream } from 'node:tty'
import { systemClock } from '../adapters/system/system-clock.adapter.ts'
import type { AttachedScreen, Attachment, Output as TerminalOutput } from '../client/attachment.ts'
import type { Timer } from '../ports/clock.port.ts'
import type { PtyExit } from '../protocols/pty-exit.ts'
import { ClipboardFilter } from './clipboard-filter.ts'
import { keyFinder } from './detach-key.ts'
import { plainLine } from './plain.ts'
import { replayed } from './replay-output.ts'
import { ScreenModes } from './screen-modes.ts'
import { drained, type Output } from './writer.ts'

/** A second press within this time types the key. ms */
const DOUBLE_MS = 400
/** What ends a program on a terminal; whoever is attached then has to give the terminal back. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

export type AttachSeat = {
  readonly input: ReadStream
  readonly output: Output & { readonly fd?: number }
  /** Such as `ctrl-q`. */
  readonly detachKey: string
  /** Programs may set the clipboard. */
  readonly clipboard: boolean
}

/** How it was left. `end`: of the process; null when it goes on. */
export type Left = { readonly end: PtyExit | null; readonly by: 'end' | 'key' | 'signal' }

/**
 * Raw both ways. Node leaves the driver's line feed → carriage return and line feed on (libuv, UV_TTY_MODE_RAW), but a program
 * that has switched that off moves its cursor straight down by a line feed. Without stty that stays so. `setRawMode(false)`
 * brings back all that was before the first `setRawMode(true)`, this included.
 */
const makeRaw = (input: ReadStream): void => {
  input.setRawMode(true)
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] })
}

/** Of the user's terminal, while programs set theirs (XTWINOPS). */
const TITLE_KEPT = '\u001b[22;0t'
const TITLE_BACK = '\u001b[23;0t'

/** Takes over the terminal of the user. @returns what gives it back, from anywhere, also at the exit of this process; idempotent */
const takeOver = ({ input, output }: AttachSeat, modes: ScreenModes): (() => void) => {
  let isOver = false
  const restore = (): void => {
    if (isOver) return
    isOver = true
    process.removeListener('exit', restore)
    for (const step of [
      // at once: a stream would write later, if at all
      () => writeSync(output.fd ?? 1, `${modes.undo()}${TITLE_BACK}`),
      () => input.setRawMode(false),
    ]) {
      try {
        step()
      } catch {
        // the terminal is gone, and nobody looks at it
      }
    }
    input.pause()
  }
  process.once('exit', restore)
  output.write(TITLE_KEPT)
  makeRaw(input)
  return restore
}

/** Input to the program, until the key is pressed once. @returns what stops that */
const typeInto = (attachment: Attachment, { input, detachKey }: AttachSeat, leave: () => void): (() => void) => {
  const find = keyFinder(detachKey)
  let pressed: Timer | null = null
  const type = (bytes: Buffer): void => {
    // a process that has ended tells so itself
    attachment.write(bytes).catch(() => undefined)
  }
  const take = (bytes: Buffer): void => {
    for (const event of find(bytes)) {
      if ('key' in event && pressed === null) pressed = systemClock.setTimer(DOUBLE_MS, leave)
      else if (pressed !== null) {
        pressed.cancel()
        pressed = null
        if ('input' in event) return leave()
        type(event.key)
      } else if ('input' in event) type(event.input)
    }
  }
  input.on('data', take)
  input.once('end', leave)
  return () => {
    input.off('data', take)
    input.off('end', leave)
    pressed?.cancel()
  }
}

/** Moves what is on the terminal into its scrollback, as drawing begins on an empty screen. */
const cleared = (rows: number): string => `\u001b[0m\u001b[r\u001b[9999;1H${'\n'.repeat(rows)}\u001b[H\u001b[2J`

/**
 * Shows output: first the screen as it is, then all that comes. Where the screen cannot be drawn, what was put out before, as
 * one piece.
 */
class Display {
  private readonly seat: AttachSeat
  private readonly modes: ScreenModes
  private readonly redraw: () => void
  /** Up to where it is output of before. */
  private readonly replayTo: number
  private before: Buffer[] | null = []
  private isCut = false
  private readonly clipboard: ClipboardFilter | null

  constructor(seat: AttachSeat, modes: ScreenModes, replayTo: number, redraw: () => void) {
    this.seat = seat
    this.modes = modes
    this.replayTo = replayTo
    this.redraw = redraw
    this.clipboard = seat.clipboard ? null : new ClipboardFilter()
    if (replayTo === 0) this.before = null
  }

  async show(output: TerminalOutput): Promise<void> {
    if ('screen' in output) return this.draw(output.screen)
    if ('gap' in output) {
      if (this.before === null) {
        await this.write(Buffer.from(`\r\n[${output.gap.to - output.gap.from} bytes came faster than they were shown]\r\n`))
        this.redraw()
      } else this.isCut = true
      return
    }
    if (this.before === null) return this.write(output.bytes)
    if (this.before.length === 0 && output.offset > 0) this.isCut = true
    this.before.push(Buffer.from(output.bytes))
    if (output.offset + output.bytes.length >= this.replayTo) await this.endReplay()
  }

  private async draw(screen: AttachedScreen): Promise<void> {
    if ('unavailable' in screen) {
      await this.write(Buffer.from(`[recent output, as the screen cannot be told: ${plainLine(screen.unavailable)}]\r\n`))
      return
    }
    // the screen takes the place of all that was shown, and of its modes
    this.before = null
    await this.write(Buffer.from(`${this.modes.undo()}${cleared(this.seat.output.rows ?? screen.rows)}`))
    this.modes.forget()
    await this.write(screen.bytes)
  }

  /** Also when the process has ended before all of it came. */
  async endReplay(): Promise<void> {
    if (this.before === null) return
    // what a program once put on the clipboard is not put there again, be it allowed
    const bytes = new ClipboardFilter().pass(replayed(Buffer.concat(this.before), this.isCut))
    this.before = null
    await this.write(bytes)
    // a program that fills the screen knows how to draw it
    if (this.isCut) this.redraw()
  }

  private async write(given: Uint8Array): Promise<void> {
    const bytes = this.clipboard?.pass(given) ?? given
    this.modes.see(bytes)
    const { output } = this.seat
    if (bytes.length > 0 && !output.write(bytes)) await drained(output)
  }
}

/**
 * Makes the terminal of the user that of the program until it ends, the key is pressed, or a signal comes. The terminal is as
 * it was before when this returns or throws, or the process ends.
 * @throws ERR_CONTROL_LOST when the orchestrator dies
 */
export const attachTerminal = async (attachment: Attachment, seat: AttachSeat): Promise<Left> => {
  const { input, output } = seat
  const modes = new ScreenModes()
  const restore = takeOver(seat, modes)
  let by: Left['by'] = 'end'
  const leave = (how: Left['by']) => (): void => {
    if (by === 'end') by = how
    attachment.detach()
  }
  const resize = (): void => {
    const { columns = 0, rows = 0 } = output
    if (columns > 0 && rows > 0) attachment.resize(columns, rows)
  }
  const redraw = (): void => {
    const { columns = 0, rows = 0 } = output
    // a size that stays the same is told to nobody
    if (columns > 0 && rows > 1) attachment.resize(columns, rows - 1)
    resize()
  }
  const continued = (): void => {
    input.setRawMode(false)
    makeRaw(input)
    redraw()
  }
  const stopTyping = typeInto(attachment, seat, leave('key'))
  const signalled = leave('signal')
  for (const signal of SIGNALS) process.on(signal, signalled)
  process.on('SIGCONT', continued)
  output.on('resize', resize)
  output.on('error', signalled)
  const display = new Display(seat, modes, attachment.terminal.outputBytes ?? 0, redraw)
  try {
    for await (const shown of attachment.output) {
      // what came before the key was pressed, but was not shown yet, is not waited for
      if (by !== 'end') break
      await display.show(shown)
    }
    if (by === 'end') await display.endReplay()
    return { end: await attachment.ended, by }
  } finally {
    stopTyping()
    for (const signal of SIGNALS) process.off(signal, signalled)
    process.off('SIGCONT', continued)
    output.off('resize', resize)
    attachment.detach()
    restore()
  }
}
