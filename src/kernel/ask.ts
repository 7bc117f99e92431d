import type { Timer } from '../ports/clock.port.ts'
import type { ReplyFunction } from './types.ts'

/** One question and its answer. Settles once, and leaves then the open asks of the actor that must answer and of the one that waits. */
export class Ask {
  readonly type: string
  readonly promise: Promise<unknown>
  readonly reply: ReplyFunction<unknown>
  private settle: { resolve: (value: unknown) => void; reject: (error: unknown) => void } | null
  private readonly asked: Set<Ask>
  private readonly asking: Set<Ask> | null
  timer: Timer | null = null
  private unlisten: (() => void) | null = null

  constructor(type: string, asked: Set<Ask>, asking: Set<Ask> | null) {
    this.type = type
    this.asked = asked
    this.asking = asking
    asked.add(this)
    asking?.add(this)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.settle = { resolve, reject }
    this.promise = promise
    // An asker that was given up, or does not look, must not end the process.
    promise.catch(unseen)
    const reply = (value: unknown): void => this.finish()?.resolve(value)
    reply.fail = (error: unknown): void => this.fail(error)
    this.reply = reply
  }

  get isOpen(): boolean {
    return this.settle !== null
  }

  /** Fails it when the signal is aborted. */
  cancelBy(signal: AbortSignal, make: () => unknown): void {
    if (!this.isOpen) return
    const cancel = (): void => this.fail(make())
    signal.addEventListener('abort', cancel, { once: true })
    this.unlisten = () => signal.removeEventListener('abort', cancel)
  }

  fail(error: unknown): void {
    this.finish()?.reject(error)
  }

  private finish(): { resolve: (value: unknown) => void; reject: (error: unknown) => void } | null {
    const { settle } = this
    this.settle = null
    this.timer?.cancel()
    this.timer = null
    this.unlisten?.()
    this.unlisten = null
    if (settle === null) return null
    this.asked.delete(this)
    this.asking?.delete(this)
    return settle
  }
}

const unseen = (): void => {}

const ignore = (): void => {}
ignore.fail = (): void => {}
/** What the handler of a message gets that nobody waits for. */
export const NO_REPLY: ReplyFunction<unknown> = ignore
