import type { Clock, Timer } from '../../ports/clock.port.ts'
import type { ScreenSnapshot, SnapshotOptions } from '../../ports/terminal-host.port.ts'
import { BaseModes } from './base-modes.ts'
import { type ScreenPool, type ScreenRef, unavailable } from './screens.ts'

const ESC = 0x1b
const LINE_FEED = 0x0a
const DEFAULT_SCROLLBACK = 1_000
/** A screen that was asked for is kept this long for the next who asks. */
const KEEP_MS = 15_000
/** After its output made the thread fail. */
const BANNED_MS = 60_000
/** Tries after the first one, where a screen is lost while it is drawn. */
const MOST_TRIES = 1
/** Cells of a screen, and of the lines above it. */
const MOST_CELLS = 1_000_000
const MOST_CELLS_ABOVE = 2_000_000
/** Of the output before a program took the screen over: what it comes back to. */
const BEFORE_BYTES = 8_192
/** Sizes that are remembered within the ring. */
const MOST_SIZES = 1_000
/** Output that the thread is given at once. */
const PIECE_BYTES = 262_144

/** The ring. */
export type KeptOutput = {
  readonly start: number
  readonly end: number
  /** A copy, from `from` to `to` at most; at least one byte where there is one. */
  copy(from: number, to: number): Uint8Array<ArrayBuffer>
  /** A copy of the last bytes, at most `count`. */
  tail(count: number): Uint8Array<ArrayBuffer>
}

/** `order`: from 0, in which they were given. */
type Size = { readonly at: number; readonly order: number; readonly cols: number; readonly rows: number }
/** A copy of output. */
type Copy = (from: number, to: number) => Uint8Array<ArrayBuffer>

/**
 * What is on the screen of one terminal, for those who ask. Nothing is drawn before somebody asks: then the ring is replayed.
 * Where the ring gives up output that is still on the screen (of a program that fills it: alternate screen, scroll region), a
 * screen in the thread follows; it is never behind the start of the ring.
 */
export class ScreenKeeper {
  private readonly output: KeptOutput
  private readonly screens: ScreenPool
  private readonly clock: Clock
  /** As of the start of the ring. */
  private readonly base = new BaseModes()
  /** The end of what was given up, while no screen was needed. */
  private before: Uint8Array | null = null
  private readonly sizes: Size[]
  private screen: ScreenRef | null = null
  /** Up to where the screen was fed. */
  private at = 0
  /** The size that it has. */
  private sizeOrder = 0
  /** Whether it was fed all that is on it. */
  private isComplete = true
  private rest: Timer | undefined
  private bannedUntil = -Infinity
  private isClosed = false

  constructor(output: KeptOutput, screens: ScreenPool, clock: Clock, size: { readonly cols: number; readonly rows: number }) {
    this.output = output
    this.screens = screens
    this.clock = clock
    this.sizes = [{ ...size, at: 0, order: 0 }]
  }

  /** From here on output is for this size. */
  resized(cols: number, rows: number): void {
    const at = this.output.end
    const order = (this.sizes.at(-1)?.order ?? 0) + 1
    this.sizes.push({ at, order, cols, rows })
    if (this.sizes.length > MOST_SIZES) this.sizes.shift()
  }

  /** The ring gives this up now. `bytes` are the caller's. */
  givenUp(bytes: Uint8Array, offset: number): void {
    if (this.isClosed) return
    const end = offset + bytes.length
    const needed = this.base.needsScreen
    const follows = this.isFed(offset)
    // what was there before ends with what has begun
    const before = follows || needed ? null : this.wholeBefore()
    const prefix = follows ? null : before === null ? this.prefix() : new Uint8Array(this.base.prefix())
    const left = this.base.alternatesLeft
    this.base.see(bytes)
    const isFresh = this.base.alternatesLeft > left
    if (!this.base.needsScreen) {
      if (!this.isFed(end)) this.drop()
      this.keepBefore(bytes)
    } else if (!follows || this.at < end) {
      const copy: Copy = (from, to) => new Uint8Array(bytes.subarray(from - offset, to - offset))
      try {
        if (prefix !== null) {
          this.open(offset, prefix, !needed)
          if (before !== null) this.feed(before)
        }
        this.feedTo(end, copy)
      } catch {
        // no thread: nothing that a terminal should suffer from
        this.drop()
      }
    }
    if (isFresh) this.isComplete = true
    while ((this.sizes[1]?.at ?? Infinity) <= end) this.sizes.shift()
  }

  /** @throws ERR_SCREEN_UNAVAILABLE */
  async snapshot({ scrollback = DEFAULT_SCROLLBACK }: SnapshotOptions = {}): Promise<ScreenSnapshot> {
    for (let tries = 0; ; tries += 1) {
      if (this.isClosed) throw unavailable('the terminal is gone')
      if (this.clock.monotonic() < this.bannedUntil) throw unavailable('its output made the thread of screens fail')
      this.replay()
      const { screen, at: offset, isComplete } = this
      if (screen === null || screen.isLost) {
        if (tries >= MOST_TRIES) throw unavailable('too much output waits to be drawn')
        await this.screens.hasRoom()
        continue
      }
      try {
        const drawn = await this.screens.snapshot(screen, scrollback)
        this.keepAWhile()
        return { offset, complete: isComplete, ...drawn }
      } catch (error) {
        // another terminal's output was the cause, or nothing that would happen again
        if (tries < MOST_TRIES) continue
        if (screen.hasFailed) this.bannedUntil = this.clock.monotonic() + BANNED_MS
        throw error
      }
    }
  }

  /** Idempotent. */
  close(): void {
    this.isClosed = true
    this.drop()
  }

  /** Brings the screen to the end of output. */
  private replay(): void {
    const { output, base } = this
    const { start } = output
    if (!this.isFed(start)) {
      if (start === 0) this.open(0, null, true)
      else if (base.needsScreen) this.open(start, this.prefix(), false)
      else this.open(base.begun.length > 0 ? start : this.firstCharacter(), this.prefix(), true)
    }
    this.feedTo(output.end, (from, to) => output.copy(from, to))
  }

  /** Where the first whole character of the ring begins, which may be within a line. */
  private firstCharacter(): number {
    const { start } = this.output
    const rest = this.output.copy(start, start + 3).findIndex((byte) => byte < 0x80 || byte >= 0xc0)
    return start + Math.max(0, rest)
  }

  /** Modes, and the beginning of a sequence that the rest follows. */
  private prefix(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(Buffer.concat([this.base.prefix(), this.base.begun]))
  }

  private isFed(offset: number): boolean {
    if (this.screen?.isLost === true) this.screen = null
    return this.screen !== null && this.at >= offset
  }

  private open(at: number, prefix: Uint8Array | null, isComplete: boolean): void {
    this.drop()
    const { cols, rows, order } = this.sizes.findLast((size) => size.at <= at) ?? (this.sizes[0] as Size)
    if (this.sizes.some((size) => size.cols * size.rows > MOST_CELLS)) throw unavailable('it is too large')
    const above = Math.min(DEFAULT_SCROLLBACK, Math.floor(MOST_CELLS_ABOVE / Math.max(...this.sizes.map((size) => size.cols))))
    this.screen = this.screens.open(cols, rows, above)
    this.at = at
    this.sizeOrder = order
    this.isComplete = isComplete
    if (prefix !== null) this.feed(new Uint8Array(prefix))
  }

  /** Output up to here, with each size at its place. */
  private feedTo(end: number, copy: Copy): void {
    while (this.screen !== null) {
      const next = this.sizes.find(({ order }) => order > this.sizeOrder)
      if (next !== undefined && next.at <= this.at) {
        this.screens.resize(this.screen, next.cols, next.rows)
        this.sizeOrder = next.order
        continue
      }
      if (this.at >= end) return
      const bytes = copy(this.at, Math.min(end, this.at + PIECE_BYTES, next?.at ?? Infinity))
      if (bytes.length === 0) throw unavailable('output that it needs is held no longer')
      this.at += bytes.length
      this.feed(bytes)
    }
  }

  private feed(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.screen !== null) this.screens.feed(this.screen, bytes)
  }

  /** Without the half of a line or sequence that it may begin with; what it pushes on the keyboard is in the prefix, too. A copy. */
  private wholeBefore(): Uint8Array<ArrayBuffer> | null {
    const { before, base } = this
    if (before === null) return null
    const line = before.indexOf(LINE_FEED) + 1
    const escape = before.indexOf(ESC)
    const whole = before.subarray(escape >= 0 && (line === 0 || escape < line) ? escape : line)
    const { begun } = base
    return new Uint8Array(Buffer.concat([whole.subarray(0, whole.length - begun.length), base.keyboard(), begun]))
  }

  private keepBefore(bytes: Uint8Array): void {
    const end = bytes.subarray(Math.max(0, bytes.length - BEFORE_BYTES))
    if (end.length < BEFORE_BYTES) this.before = end.slice()
    else {
      if (this.before?.length !== BEFORE_BYTES) this.before = new Uint8Array(BEFORE_BYTES)
      this.before.set(end)
    }
  }

  private keepAWhile(): void {
    this.rest?.cancel()
    this.rest = this.clock.setTimer(KEEP_MS, () => {
      this.rest = undefined
      if (!this.base.needsScreen) this.drop()
    })
  }

  private drop(): void {
    this.rest?.cancel()
    this.rest = undefined
    if (this.screen !== null) this.screens.close(this.screen)
    this.screen = null
  }
}
