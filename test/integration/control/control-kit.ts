import { connect as connectSocket, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { connect, type ConnectOptions, type ControlClient } from '../../../src/client/index.ts'
import { type ControlServer, type ControlServerOptions, startControlServer } from '../../../src/runtime/control/server.ts'
import { documentedCalls } from '../../helpers/schema-check.ts'
import { makeWorld, type World, type WorldOptions } from '../run/run-kit.ts'

export type ControlWorld = World & {
  readonly socketPath: string
  readonly server: ControlServer
  client(options?: ConnectOptions): Promise<ControlClient>
  /** A socket without our client. */
  raw(): Promise<RawClient>
}

export type RawClient = {
  readonly socket: Socket
  send(text: string | Uint8Array): void
  /** The next line, parsed. */
  line(): Promise<Record<string, unknown>>
  readonly closed: Promise<void>
}

const rawClient = async (path: string): Promise<RawClient> => {
  const socket = connectSocket(path)
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.on('error', () => {})
  const lines: string[] = []
  let rest = ''
  let wake = (): void => {}
  socket.on('data', (chunk) => {
    rest += chunk.toString()
    const parts = rest.split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    wake()
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  let isClosed = false
  void closed.then(() => ((isClosed = true), wake()))
  return {
    socket,
    closed,
    send: (text) => void socket.write(text),
    line: async () => {
      for (;;) {
        const line = lines.shift()
        if (line !== undefined) return JSON.parse(line) as Record<string, unknown>
        if (isClosed) throw new Error('the connection was closed before another line came')
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
  }
}

export const HELLO: string = `${JSON.stringify({ id: 'h', method: 'hello', payload: { protocols: [1] } })}\n`

const check = documentedCalls()

/** Looks that every answer, what is told before it, and what comes to who has subscribed, is of the shape that the reference says. */
const checked = (client: ControlClient): ControlClient => {
  const call = client.call.bind(client)
  const looked: ControlClient['call'] = async (method, params, options = {}) => {
    const wrong: string[] = []
    const onProgress: typeof options.onProgress = (progress) => {
      wrong.push(...check(method, 'progress', progress))
      options.onProgress?.(progress)
    }
    const result = await call(method, params, { ...options, onProgress })
    expect([...wrong, ...check(method, 'result', result)]).toEqual([])
    return result
  }
  client.call = looked
  const subscribe = client.subscribe.bind(client)
  client.subscribe = async function* (options) {
    for await (const happening of subscribe(options)) {
      expect(check('events.subscribe', 'push', happening)).toEqual([])
      yield happening
    }
  }
  return client
}

/** A world whose runtime is served at a socket. */
export const makeControlWorld = async (
  options: WorldOptions & { readonly server?: Partial<ControlServerOptions>; readonly socketName?: string } = {},
): Promise<ControlWorld> => {
  const world = await makeWorld(options)
  const socketPath = join(world.repo.base, options.socketName ?? 'run/control.sock')
  const server = await startControlServer({ runtime: world.runtime, socketPath, ...options.server })
  const clients: ControlClient[] = []
  return {
    ...world,
    socketPath,
    server,
    client: async (more) => {
      const client = checked(await connect(socketPath, { name: 'a test', ...more }))
      clients.push(client)
      return client
    },
    raw: () => rawClient(socketPath),
    end: async () => {
      for (const client of clients) client.close()
      await server.close()
      await world.end()
    },
  }
}

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
