import type { Ask } from './ask.ts'
import { Queue } from './queue.ts'
import type { Overflow } from './types.ts'

/** Takes a waiting system message back: a timer that was cancelled, a watch that was ended. */
export type Token = { cancelled: boolean }

/** From the kernel or from the actor's own effects. `make` runs in the actor, so that its failure is the actor's. */
export type SystemMail = { readonly lane: 'system'; readonly type: string; readonly make: () => object; readonly token: Token | null }

/** From another actor or from outside. */
export type UserMail = {
  readonly lane: 'user'
  readonly type: string
  readonly message: object
  readonly from: string | null
  readonly ask: Ask | null
  /** Monotonic ms of its arrival, where somebody looks at the actor. */
  at: number | null
}

export type Mail = SystemMail | UserMail

/** Two lanes of mail. System mail is never dropped and always first; user mail is bounded. */
export class Mailbox {
  private system: Queue<SystemMail> | null = null
  private user: Queue<UserMail> | null = null
  readonly limit: number
  readonly overflow: Overflow
  /** The most user mail that ever waited. */
  most = 0
  /** User mail that found no place, or lost it. */
  dropped = 0

  constructor(limit: number, overflow: Overflow) {
    this.limit = limit
    this.overflow = overflow
  }

  /** User mail that waits longest. */
  get oldest(): UserMail | undefined {
    return this.user?.peek()
  }

  /** User mail that waits. */
  get waiting(): number {
    return this.user?.size ?? 0
  }

  get isEmpty(): boolean {
    return this.waiting === 0 && (this.system === null || this.system.size === 0)
  }

  addSystem(mail: SystemMail): void {
    ;(this.system ??= new Queue()).push(mail)
  }

  /** @returns what found no place in a full lane: this mail, or the oldest in its stead */
  addUser(mail: UserMail): UserMail | null {
    const user = (this.user ??= new Queue())
    let lost: UserMail | null = null
    if (user.size >= this.limit) {
      this.dropped += 1
      lost = (this.overflow === 'drop-old' ? user.shift() : undefined) ?? mail
      if (lost === mail) return mail
    }
    user.push(mail)
    if (user.size > this.most) this.most = user.size
    return lost
  }

  next(): Mail | undefined {
    for (;;) {
      const mail = this.system?.shift()
      if (mail === undefined) return this.user?.shift()
      if (mail.token === null || !mail.token.cancelled) return mail
    }
  }

  /** Empties both lanes. @returns the user mail, which nobody will handle */
  close(): UserMail[] {
    this.system?.takeAll()
    return this.user?.takeAll() ?? []
  }
}
