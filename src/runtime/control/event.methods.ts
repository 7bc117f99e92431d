import { SignalboxError } from '../../protocols/errors.ts'
import type { Connection } from './connection.ts'
import type { Methods, Served } from './method.types.ts'

/** What happens, as the client keeps up with it: the bus waits with the next event until the client has read. */
export const eventMethods = ({ runtime: { bus }, limits }: Served): Pick<Methods, 'events.subscribe' | 'events.unsubscribe'> => {
  const subscriptions = new WeakMap<Connection, Map<string, () => void>>()
  let count = 0
  const ofConnection = (connection: Connection): Map<string, () => void> => {
    const known = subscriptions.get(connection) ?? new Map<string, () => void>()
    subscriptions.set(connection, known)
    return known
  }
  return {
    'events.subscribe': {
      run({ topics = ['*'], since, live }, { connection, afterwards }) {
        const own = ofConnection(connection)
        if (own.size >= limits.subscriptions) {
          throw new SignalboxError('ERR_CONTROL_PAYLOAD_INVALID', `a connection has at most ${limits.subscriptions} subscriptions`)
        }
        const subscription = `s${(count += 1)}`
        const answered = Promise.withResolvers<void>()
        const { close } = bus.subscribe(
          { topics, ...(since !== undefined && { since }), ...(live !== undefined && { live }) },
          {
            async next(event) {
              await answered.promise
              connection.send({ subscription, event })
              await connection.whenRead
            },
            gap: (gap) => connection.send({ subscription, gap }),
          },
        )
        const end = (): void => {
          close()
          own.delete(subscription)
          connection.ends.delete(end)
          answered.resolve()
        }
        own.set(subscription, end)
        connection.ends.add(end)
        afterwards(answered.resolve)
        return { subscription }
      },
    },
    'events.unsubscribe': {
      run({ subscription }, { connection }) {
        ofConnection(connection).get(subscription)?.()
        return {}
      },
    },
  }
}
