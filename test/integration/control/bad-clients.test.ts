import { afterEach, describe, expect, it } from 'vitest'
import { until, within } from '../run/run-kit.ts'
import { type ControlWorld, HELLO, makeControlWorld } from './control-kit.ts'

const worlds: ControlWorld[] = []
const world = async (...args: Parameters<typeof makeControlWorld>): Promise<ControlWorld> => {
  const made = await makeControlWorld(...args)
  worlds.push(made)
  return made
}
afterEach(async () => {
  for (const each of worlds.splice(0)) await each.end()
})

const refusal = (code: string, reason: string) => ({ refused: expect.objectContaining({ code, reason }) as unknown })
const INVALID = refusal('VALIDATION_ERROR', 'ERR_CONTROL_LINE_INVALID')
const request = (id: string, method: string, payload: object = {}): string => `${JSON.stringify({ id, method, payload })}\n`

describe('a client that does not keep to the protocol', () => {
  const bad: readonly (readonly [string, string | Uint8Array])[] = [
    ['what is not JSON', 'hello there\n'],
    ['JSON that is no request', '{"id":1}\n'],
    ['a key that is not known', '{"id":"1","method":"status","extra":1}\n'],
    ['a line that is not UTF-8', Uint8Array.of(0xff, 0xfe, 0x0a)],
    ['a line over 1 MB', `${'x'.repeat(1_000_001)}\n`],
    ['input without end', 'x'.repeat(3_000_000)],
    ['a deep nest', `${'['.repeat(400_000)}\n`],
    ['the null of JSON', 'null\n'],
  ]
  it.each(bad)('is cut off alone for %s', async (_what, bytes) => {
    const { raw, client: open } = await world()
    const client = await open()
    const other = await raw()
    other.send(HELLO)
    expect(await other.line()).toMatchObject({ causation_id: 'h', payload: { protocol: 1 } })
    other.send(bytes)
    expect(await other.line()).toMatchObject(INVALID)
    await within(10_000, 'the end of the connection', other.closed)
    expect(await client.call('status', {})).toMatchObject({ counts: { clients: 1 } })
  })

  it('is answered what was wrong, and may go on, where its line is a request', async () => {
    const { raw } = await world()
    const other = await raw()
    other.send(request('1', 'status'))
    expect(await other.line()).toMatchObject({ causation_id: '1', error: { code: 'VALIDATION_ERROR', reason: 'ERR_CONTROL_VERSION' } })
    other.send(`${JSON.stringify({ id: '2', method: 'hello', payload: { protocols: [99] } })}\n`)
    expect(await other.line()).toMatchObject({ error: { reason: 'ERR_CONTROL_VERSION' } })
    other.send(HELLO)
    await other.line()
    other.send(request('3', 'lane.creat') + request('4', 'lane.create', { name: 'x', nmae: 'y' }) + request('5', '__proto__'))
    const answers = [await other.line(), await other.line(), await other.line()]
    expect(answers.toSorted((a, b) => String(a['id']).localeCompare(String(b['id'])))).toMatchObject([
      {
        causation_id: '3',
        error: { code: 'METHOD_NOT_FOUND', message: expect.stringContaining('did you mean "lane.create"?') as unknown },
      },
      { causation_id: '4', error: { code: 'VALIDATION_ERROR', reason: 'ERR_CONTROL_PAYLOAD_INVALID' } },
      { causation_id: '5', error: { code: 'METHOD_NOT_FOUND' } },
    ])
    other.send('\n')
    other.send(request('6', 'status'))
    expect(await other.line()).toMatchObject({ causation_id: '6', payload: { state: 'running' } })
  })

  it('is cut off when it says no hello, or does not end a line, in time; one that idles is not', async () => {
    const { raw } = await world({ server: { limits: { helloMs: 100, lineMs: 200 } } })
    const [silent, half, idle] = [await raw(), await raw(), await raw()]
    for (const greeted of [half, idle]) {
      greeted.send(HELLO)
      await greeted.line()
    }
    half.send('{"id":"1","meth')
    expect(await within(10_000, 'the refusal', silent.line())).toMatchObject(INVALID)
    expect(await within(10_000, 'the refusal', half.line())).toMatchObject(INVALID)
    idle.send(request('1', 'status'))
    expect(await idle.line()).toMatchObject({ payload: { state: 'running' } })
  })

  it('gets the answers to what it sent before it closed its side', async () => {
    const { raw } = await world()
    const other = await raw()
    other.send(HELLO + request('1', 'status'))
    other.socket.end()
    await other.line()
    expect(await other.line()).toMatchObject({ causation_id: '1' })
    await other.closed
  })

  it('that does not read makes the server hold little, is cut off, and hurts nobody [BUS-2]', async () => {
    const { raw, client: open } = await world({ server: { limits: { unreadBytes: 100_000, unreadMs: 300 } } })
    const client = await open()
    const deaf = await raw()
    deaf.send(HELLO)
    await deaf.line()
    deaf.socket.pause()
    const line = request('1', 'tree.get')
    const before = process.memoryUsage().rss
    // Far more than may be under way; what the server does not read stays in the kernel and here.
    for (let count = 0; count < 20_000; count += 1) deaf.send(line)
    await until('it is cut off', async () => (await client.call('status', {})).counts.clients === 1)
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
  })

  it('that subscribes to all and does not read meets a gap or its end, and the others hear everything [BUS-3]', async () => {
    const { raw, client: open, runtime } = await world({ server: { limits: { unreadBytes: 20_000, unreadMs: 60_000 } } })
    const client = await open()
    const deaf = await raw()
    deaf.send(HELLO + request('1', 'events.subscribe', { topics: ['noise.*'] }))
    await deaf.line()
    await deaf.line()
    deaf.socket.pause()
    let heard = 0
    const stop = new AbortController()
    const listening = (async () => {
      for await (const { event } of client.subscribe({ topics: ['noise.*'], signal: stop.signal })) {
        heard += 1
        if (event?.payload['last'] === true) return
      }
    })()
    await until('it listens', async () => (await client.call('status', {})).counts.clients === 3)
    for (let count = 0; count < 4_000; count += 1) {
      runtime.bus.publish('noise.made', { text: 'x'.repeat(2_000) })
      if (count % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    runtime.bus.publish('noise.made', { last: true })
    await within(20_000, 'the other client', listening)
    expect(heard).toBeGreaterThan(0)
    deaf.socket.resume()
    let gap = false
    for (;;) {
      const line = await within(20_000, 'the gap and the last event', deaf.line())
      gap ||= 'gap' in line
      if ((line['event'] as { payload?: { last?: boolean } } | undefined)?.payload?.last === true) break
    }
    expect(gap).toBe(true)
  })

  it('three hundred at once are all answered', async () => {
    const { client: open, server } = await world()
    expect(server.socketPath).toContain('control.sock')
    const clients = await Promise.all(Array.from({ length: 300 }, () => open()))
    const answers = await Promise.all(clients.map((client, index) => client.call(index % 2 === 0 ? 'status' : 'lane.list', {})))
    expect(answers).toHaveLength(300)
  })
})
