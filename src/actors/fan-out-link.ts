import type { FanOut } from '../ports/fan-out.port.ts'
import { type FanOutMessage, type LiveMessage, parseFanOutMessage } from '../protocols/fan-out.schema.ts'

/** Characters of live events in one message, unless a single one has more. */
const MESSAGE_LENGTH = 256 * 1024
/** Senders whose last number is remembered. */
const SENDERS = 1_024

/** What was heard, and whether messages of its sender before it were missed. */
export type Heard = FanOutMessage & { readonly missed: boolean }

/** This process among those of its workspace: numbers what it says, and notices what it missed of the others. Outlives the bus actor. */
export class FanOutLink {
  readonly fanOut: FanOut
  private readonly self: string
  private sent = 0
  private knownPosition = 0
  private hasConnected = false
  /** Last number of each sender. */
  private readonly heard = new Map<string, number>()

  /** @param self an id that no other process has, nor this one in another life */
  constructor(fanOut: FanOut, self: string) {
    this.fanOut = fanOut
    this.self = self
  }

  /** Tells the others up to where events are stored, where they have not been told. */
  stored(position: number): void {
    if (position <= this.knownPosition) return
    this.knownPosition = position
    this.say(`"position":${position}`)
  }

  /** Tells the others what was published on live topics. */
  published(events: readonly LiveMessage[]): void {
    let part: string[] = []
    let length = 0
    for (const { topic, key, ids, payload } of events) {
      const json = JSON.stringify({ topic, key, ids, payload })
      if (part.length > 0 && length + json.length > MESSAGE_LENGTH) {
        this.say(`"live":[${part.join()}]`)
        part = []
        length = 0
      }
      part.push(json)
      length += json.length
    }
    if (part.length > 0) this.say(`"live":[${part.join()}]`)
  }

  /** Up to here the others know, as one of them has said it. */
  heardOf(position: number): void {
    this.knownPosition = Math.max(this.knownPosition, position)
  }

  /** @returns what was said, or null where it is our own or no message of ours. */
  hear(text: string): Heard | null {
    const message = parseFanOutMessage(text)
    if (message === null || message.from === this.self) return null
    const last = this.heard.get(message.from)
    this.heard.delete(message.from)
    this.heard.set(message.from, message.number)
    const [oldest] = this.heard.keys()
    if (this.heard.size > SENDERS && oldest !== undefined) this.heard.delete(oldest)
    return { ...message, missed: last !== undefined && message.number !== last + 1 }
  }

  /**
   * The channel is connected: the others may have missed how far we are, as what they said may have been missed here.
   * @returns whether live events may have been missed
   */
  connected(position: number): boolean {
    const again = this.hasConnected
    this.hasConnected = true
    this.knownPosition = Math.max(this.knownPosition, position)
    this.say(`"position":${this.knownPosition}`)
    // Their numbers tell nothing new now.
    if (again) this.heard.clear()
    return again
  }

  private say(what: string): void {
    this.sent += 1
    this.fanOut.send(`{"from":${JSON.stringify(this.self)},"number":${this.sent},${what}}`)
  }
}
