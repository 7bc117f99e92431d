import { type Deadlines, leave, Limited } from './deadlines.ts'
import type { ReplyFunction } from './types.ts'

/** One question and its answer. Settles once, and leaves then the open asks of the actor that must answer and of the one that waits. */
export class Ask extends Limited {
  readonly type: string
  readonly promise: Promise<unknown>
  readonly reply: ReplyFunction<unknown>
  private resolve!: (value: unknown) => void
  private reject!: (error: unknown) => void
  private readonly asked: Set<Ask>
  private readonly asking: Set<Ask> | null
  private unlisten: (() => void) | null = null
  isOpen = true
  private makeLate: (() => unknown) | null = null

  constructor(type: string, asked: Set<Ask>, asking: Set<Ask> | null) {
    super()
    this.type = type
    this.asked = asked
    this.asking = asking
    asked.add(this)
    asking?.add(this)
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    const reply = (value: unknown): void => {
      if (this.finish()) this.resolve(value)
    }
    reply.fail = (error: unknown): void => this.fail(error)
    this.reply = reply
  }

  /** Fails it when the signal is aborted. */
  cancelBy(signal: AbortSignal, make: () => unknown): void {
    if (!this.isOpen) return
    const cancel = (): void => this.fail(make())
    signal.addEventListener('abort', cancel, { once: true })
    this.unlisten = () => signal.removeEventListener('abort', cancel)
  }

  /** Fails it after its time. */
  limitBy(deadlines: Deadlines, timeoutMs: number, make: () => unknown): void {
    if (!this.isOpen) return
    this.makeLate = make
    deadlines.add(this, timeoutMs)
  }

  override elapsed(): void {
    this.fail(this.makeLate?.())
  }

  fail(error: unknown): void {
    if (!this.finish()) return
    // An asker that was given up, or does not look, must not end the process.
    this.promise.catch(unseen)
    this.reject(error)
  }

  /** @returns false when it was settled before */
  private finish(): boolean {
    if (!this.isOpen) return false
    this.isOpen = false
    leave(this)
    this.unlisten?.()
    this.unlisten = null
    this.asked.delete(this)
    this.asking?.delete(this)
    return true
  }
}

const unseen = (): void => {}

const ignore = (): void => {}
ignore.fail = (): void => {}
/** What the handler of a message gets that nobody waits for. */
export const NO_REPLY: ReplyFunction<unknown> = ignore
