import type { Timer } from '../ports/clock.port.ts'
import type { ReplyFunction } from './types.ts'

/** One question and its answer. Settles once; `keepers` are the sets of open asks that it leaves then: of the actor that must answer, and of the one that waits. */
export class Ask {
  readonly type: string
  readonly promise: Promise<unknown>
  readonly reply: ReplyFunction<unknown>
  private settle: { resolve: (value: unknown) => void; reject: (error: unknown) => void } | null
  private readonly keepers: readonly Set<Ask>[]
  timer: Timer | null = null

  constructor(type: string, keepers: readonly Set<Ask>[]) {
    this.type = type
    this.keepers = keepers
    for (const keeper of keepers) keeper.add(this)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.settle = { resolve, reject }
    this.promise = promise
    // An asker that was given up, or does not look, must not end the process.
    promise.catch(() => {})
    const reply = (value: unknown): void => this.finish()?.resolve(value)
    reply.fail = (error: unknown): void => this.fail(error)
    this.reply = reply
  }

  fail(error: unknown): void {
    this.finish()?.reject(error)
  }

  private finish(): { resolve: (value: unknown) => void; reject: (error: unknown) => void } | null {
    const { settle } = this
    this.settle = null
    this.timer?.cancel()
    this.timer = null
    if (settle !== null) for (const keeper of this.keepers) keeper.delete(this)
    return settle
  }
}

const ignore = (): void => {}
ignore.fail = (): void => {}
/** What the handler of a message gets that nobody waits for. */
export const NO_REPLY: ReplyFunction<unknown> = ignore
