import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FanOut } from '../../src/ports/fan-out.port.ts'

/** Members of one channel, and how to get rid of what was started for them. */
export type FanOutUnderTest = { member(channel?: string): FanOut; dispose(): Promise<void> }

export type Heard = { readonly messages: string[]; connected: number }

const LIMIT = { timeout: 10_000, interval: 5 }

/** Joins, and is connected when it returns. */
export const joined = async (fanOut: FanOut): Promise<Heard> => {
  const heard: Heard = { messages: [], connected: 0 }
  fanOut.join({ message: (text) => void heard.messages.push(text), connected: () => void (heard.connected += 1) })
  await vi.waitFor(() => expect(heard.connected).toBeGreaterThan(0), LIMIT)
  return heard
}

export const untilHeard = (heard: Heard, last: string): Promise<void> => vi.waitFor(() => expect(heard.messages.at(-1)).toBe(last), LIMIT)

/** Every implementation of the port FanOut must pass this. */
export const fanOutContract = (name: string, make: () => Promise<FanOutUnderTest>): void => {
  describe(`fan-out: ${name}`, () => {
    let made: FanOutUnderTest
    const members: FanOut[] = []
    beforeEach(async () => {
      made = await make()
    })
    afterEach(async () => {
      await Promise.all(members.splice(0).map((member) => member.close()))
      await made.dispose()
    })
    const member = (channel?: string): FanOut => {
      const one = made.member(channel)
      members.push(one)
      return one
    }

    it('gives what one sends to all others, in order and once [BUS-3]', async () => {
      const [sender, one, two] = [member(), member(), member()]
      await joined(sender)
      const heard = [await joined(one), await joined(two)]
      const sent = Array.from({ length: 500 }, (_, n) => `message ${n}`)
      for (const text of sent) sender.send(text)
      for (const each of heard) {
        await untilHeard(each, 'message 499')
        expect(each.messages).toEqual(sent)
      }
    })

    it('keeps the order of each of several senders [BUS-3]', async () => {
      const [one, two, listener] = [member(), member(), member()]
      await joined(one)
      await joined(two)
      const heard = await joined(listener)
      for (let n = 0; n < 100; n += 1) {
        one.send(`one ${n}`)
        two.send(`two ${n}`)
      }
      await vi.waitFor(() => expect(heard.messages).toHaveLength(200), LIMIT)
      for (const who of ['one', 'two']) {
        expect(heard.messages.filter((text) => text.startsWith(who))).toEqual(Array.from({ length: 100 }, (_, n) => `${who} ${n}`))
      }
    })

    it('carries any text: empty, of several lines, not ASCII, of 1 MB [BUS-4]', async () => {
      const [sender, listener] = [member(), member()]
      await joined(sender)
      const heard = await joined(listener)
      const texts = ['', 'a\r\nb\n', 'Grüße, 世界 \u{1f600} \u0000 "', 'x'.repeat(1024 * 1024), 'end']
      for (const text of texts) sender.send(text)
      await untilHeard(heard, 'end')
      expect(heard.messages).toEqual(texts)
    })

    it('tells a listener that took the place of another, and nothing more to that one [BUS-3]', async () => {
      const [sender, listener] = [member(), member()]
      await joined(sender)
      const first = await joined(listener)
      sender.send('to the first')
      await untilHeard(first, 'to the first')
      const second: Heard = { messages: [], connected: 0 }
      listener.join({ message: (text) => void second.messages.push(text), connected: () => void (second.connected += 1) })
      sender.send('to the second')
      await untilHeard(second, 'to the second')
      expect(first.messages).toEqual(['to the first'])
    })

    it('keeps channels apart [BUS-3]', async () => {
      const [sender, here, elsewhere] = [member('a'), member('a'), member('b')]
      await joined(sender)
      const [near, far] = [await joined(here), await joined(elsewhere)]
      sender.send('near')
      await untilHeard(near, 'near')
      expect(far.messages).toEqual([])
    })

    it('neither hears nor says anything once closed, and the others go on [BUS-3]', async () => {
      const [sender, leaver, stayer] = [member(), member(), member()]
      await joined(sender)
      const [left, stayed] = [await joined(leaver), await joined(stayer)]
      await leaver.close()
      await leaver.close()
      leaver.send('from beyond')
      sender.send('end')
      await untilHeard(stayed, 'end')
      expect(stayed.messages).toEqual(['end'])
      expect(left.messages).toEqual([])
    })

    it('may send before it joined, and be closed before it is connected', async () => {
      const early = member()
      early.send('lost')
      early.join({ message: () => undefined, connected: () => undefined })
      await early.close()
    })
  })
}
