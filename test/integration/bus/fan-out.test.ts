import RedisMock from 'ioredis-mock'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryChannel, type MemoryChannel } from '../../../src/adapters/memory/memory-fan-out.adapter.ts'
import { createRedisFanOut } from '../../../src/adapters/redis/redis-fan-out.adapter.ts'
import type { FanOut } from '../../../src/ports/fan-out.port.ts'
import { fanOutContract, joined, untilHeard } from '../../contracts/fan-out.contract.ts'
import { redisServer, type RedisServer, whyNoRedis } from '../../helpers/redis-server.ts'

const nothing = (): Promise<void> => Promise.resolve()

fanOutContract('memory', async () => {
  const channels = new Map<string, MemoryChannel>()
  const member = (name = 'a'): FanOut => {
    const channel = channels.get(name) ?? createMemoryChannel()
    channels.set(name, channel)
    return channel.member()
  }
  return { member, dispose: nothing }
})

let trials = 0
fanOutContract('ioredis-mock', async () => {
  // Mocks of one address share what is in it.
  const url = `redis://mock-${(trials += 1)}:6379`
  const member = (channel = 'a'): FanOut => createRedisFanOut({ url, channel, make: (at, options) => new RedisMock(at, options) })
  return { member, dispose: nothing }
})

const missing = whyNoRedis()
describe.skipIf(missing !== null)(`with a real server${missing === null ? '' : `: ${missing}`}`, () => {
  let server: RedisServer
  beforeAll(async () => {
    server = redisServer()
    await server.start()
  })
  afterAll(() => server.dispose())

  fanOutContract('redis', async () => {
    trials += 1
    const prefix = `trial-${trials}`
    return { member: (channel = 'a') => createRedisFanOut({ url: server.socket, channel: `${prefix}-${channel}` }), dispose: nothing }
  })
})

describe.skipIf(missing !== null)(`a real server that dies${missing === null ? '' : `: ${missing}`}`, () => {
  let server: RedisServer
  const members: FanOut[] = []
  const member = (): FanOut => {
    const one = createRedisFanOut({ url: server.socket, channel: 'a' })
    members.push(one)
    return one
  }
  beforeEach(() => void (server = redisServer()))
  afterEach(async () => {
    await Promise.all(members.splice(0).map((one) => one.close()))
    await server.dispose()
  })

  it('is connected to again, each time said, and what is sent afterwards arrives [BUS-3]', async () => {
    await server.start()
    const [sender, listener] = [member(), member()]
    const [sending, heard] = [await joined(sender), await joined(listener)]
    for (const round of [1, 2]) {
      await server.kill()
      sender.send('lost')
      await server.start()
      await vi.waitFor(() => expect(Math.min(heard.connected, sending.connected)).toBeGreaterThan(round), { timeout: 20_000, interval: 5 })
      sender.send(`round ${round}`)
      await untilHeard(heard, `round ${round}`)
    }
    expect(heard.messages).toEqual(['round 1', 'round 2'])
  })

  it('may come later than those who join [BUS-3]', async () => {
    const [sender, listener] = [member(), member()]
    const both = Promise.all([joined(sender), joined(listener)])
    sender.send('lost')
    await server.start()
    const [, heard] = await both
    sender.send('here')
    await untilHeard(heard, 'here')
    expect(heard.messages).toEqual(['here'])
  })
})
