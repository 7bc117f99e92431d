import type { FanOut, FanOutListener } from '../../ports/fan-out.port.ts'

type Member = { listener: FanOutListener | null }

/** A channel within one process, for tests and trials. */
export type MemoryChannel = { member(): FanOut }

/** Everybody who is made by one channel hears the others. What is sent arrives in a microtask, as nothing arrives at once over a wire. */
export const createMemoryChannel = (): MemoryChannel => {
  const members = new Set<Member>()
  return {
    member() {
      const self: Member = { listener: null }
      return {
        join(listener) {
          const isNew = self.listener === null
          self.listener = listener
          members.add(self)
          if (isNew) queueMicrotask(() => self.listener?.connected())
        },
        send(text) {
          if (!members.has(self)) return
          for (const other of members) if (other !== self) queueMicrotask(() => other.listener?.message(text))
        },
        async close() {
          members.delete(self)
          self.listener = null
        },
      }
    },
  }
}
