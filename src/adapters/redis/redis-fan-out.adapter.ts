import { Redis, type RedisOptions } from 'ioredis'
import type { FanOut, FanOutListener } from '../../ports/fan-out.port.ts'

/** How long it waits before it connects again, at first and at most. ms */
const RETRY = { minMs: 20, maxMs: 2_000 }
const KEEP_ALIVE_MS = 30_000

/** What is sent while a connection is away is lost, as the port says, and never queued; subscribing again is done here, so that it is known when it is done. */
const OPTIONS: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: null,
  keepAlive: KEEP_ALIVE_MS,
  retryStrategy: (times) => Math.min(RETRY.maxMs, RETRY.minMs * 2 ** Math.min(times - 1, 10)),
}

export type RedisFanOutOptions = {
  /** `redis://…`, `rediss://…`, or the absolute path of a socket. */
  readonly url: string
  readonly channel: string
  /** Makes a client. @defaultValue one of ioredis */
  readonly make?: (url: string, options: RedisOptions) => Redis
}

const ignore = (): void => {}

/** A channel on a Redis server (pub/sub), with one connection to hear and one to send, as Redis wants it. */
export const createRedisFanOut = ({ url, channel, make = (at, options) => new Redis(at, options) }: RedisFanOutOptions): FanOut => {
  let listener: FanOutListener | null = null
  const hears = make(url, OPTIONS)
  const sends = make(url, OPTIONS)
  let isSubscribed = false
  let canSend = false
  let isClosed = false

  const connected = (): void => {
    if (isSubscribed && canSend && !isClosed) listener?.connected()
  }
  const subscribe = async (): Promise<void> => {
    await hears.subscribe(channel)
    isSubscribed = true
    connected()
  }
  // Without a listener ioredis writes errors to the console; it connects again by itself.
  for (const client of [hears, sends]) client.on('error', ignore)
  // A subscription that fails has lost its connection: the next one subscribes anew.
  hears.on('ready', () => void subscribe().catch(ignore))
  hears.on('close', () => void (isSubscribed = false))
  sends.on('ready', () => {
    canSend = true
    connected()
  })
  sends.on('close', () => void (canSend = false))
  hears.on('message', (_channel: string, text: string) => {
    if (!isClosed) listener?.message(text)
  })

  return {
    join(joining) {
      const isNew = listener === null
      listener = joining
      if (isClosed || !isNew) return
      for (const client of [hears, sends]) client.connect().catch(ignore)
    },
    send(text) {
      if (canSend && !isClosed) sends.publish(channel, text).catch(ignore)
    },
    async close() {
      isClosed = true
      listener = null
      for (const client of [hears, sends]) client.disconnect()
    },
  }
}
