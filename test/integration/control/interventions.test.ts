import { afterEach, describe, expect, it } from 'vitest'
import type { ControlClient } from '../../../src/client/index.ts'
import type { TraceInfo } from '../../../src/protocols/control/views.ts'
import { until } from '../run/run-kit.ts'
import { type ControlWorld, HELLO, makeControlWorld } from './control-kit.ts'

let world: ControlWorld | null = null
afterEach(async () => {
  await world?.end()
  world = null
})
const begin = async (): Promise<{ readonly world: ControlWorld; readonly client: ControlClient }> => {
  world = await makeControlWorld()
  return { world, client: await world.client() }
}

describe('interventions over the control socket', () => {
  it('with a key, each is carried out once, however often it is asked for [BUS-4]', async () => {
    const { client, world: here } = await begin()
    const restart = () => client.call('actor.restart', { name: 'bus' }, { key: 'one' })
    expect(await Promise.all([restart(), restart()])).toEqual([
      { name: 'bus', incarnation: 2 },
      { name: 'bus', incarnation: 2 },
    ])
    expect(await restart()).toEqual({ name: 'bus', incarnation: 2 })
    expect(here.runtime.inspect('bus')?.incarnation).toBe(2)
    await expect(client.call('actor.kill', { name: 'bus' }, { key: 'one' })).rejects.toMatchObject({ code: 'ERR_CONTROL_KEY_REUSED' })
  })

  it('a hundred at once, of all kinds, end each with an answer, and the tree whole', async () => {
    const { client } = await begin()
    const { lane } = await client.call('lane.create', { name: 'docs' })
    await client.call('terminal.spawn', { lane: lane.id, name: 'sh', command: 'sleep 1000', restart: 'permanent' })
    const names = ['bus', `lane:${lane.id}`, `terminals:${lane.id}`, 'docs/sh']
    const methods = ['actor.restart', 'actor.suspend', 'actor.resume', 'actor.restart', 'actor.stop'] as const
    const calls = Array.from({ length: 100 }, (_, index) =>
      client.call(methods[index % methods.length] ?? 'actor.resume', { name: names[index % names.length] ?? '' }),
    )
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: expect.stringMatching(/^ERR_ACTOR_/u) })
      else expect(result.value).toEqual({ name: expect.any(String), incarnation: expect.any(Number) })
    }
    for (const name of [lane.id, `lane:${lane.id}`, `terminals:${lane.id}`])
      await client.call('actor.resume', { name }).catch(() => undefined)
    for (const name of ['bus', `terminals:${lane.id}`, `lane:${lane.id}`]) await client.call('actor.restart', { name })
    const { terminal } = await client.call('terminal.spawn', { lane: lane.id, name: 'more', command: 'sleep 1000' })
    expect(terminal.state).toBe('active')
    expect((await client.call('lane.remove', { lane: lane.id })).summary.outcome).toBe('succeeded')
  })

  it('a journal that is suspended keeps nobody from resuming it, and records what was done meanwhile', async () => {
    const { client, world: here } = await begin()
    await client.call('actor.suspend', { name: 'journal' })
    const lane = client.call('lane.create', { name: 'docs' })
    await until('its events wait', () => (here.runtime.inspect('journal')?.mailbox.now ?? 0) > 0)
    expect(await client.call('actor.resume', { name: 'journal' })).toEqual({ name: 'journal', incarnation: 1 })
    expect((await lane).lane.state).toBe('ready')
    const seen: unknown[] = []
    const end = new AbortController()
    for await (const { event } of client.subscribe({ topics: ['actor.intervened'], since: 1, signal: end.signal })) {
      seen.push(event?.payload['intervention'])
      if (seen.length === 2) end.abort()
    }
    expect(seen).toEqual(['suspend', 'resume'])
  })

  it('a trace ends with its client, and with the half of the connection that asks', async () => {
    const { client, world: here } = await begin()
    const raw = await here.raw()
    raw.send(HELLO)
    await raw.line()
    raw.send(`${JSON.stringify({ id: 't', method: 'trace.start', payload: { name: 'bus' } })}\n`)
    const restarted = async (): Promise<void> => void (await client.call('actor.restart', { name: 'bus' }))
    await until('it traces', async () => {
      await restarted()
      return raw.socket.bytesRead > 1_000
    })
    raw.socket.end()
    for (;;) {
      const line = await raw.line()
      if (!('payload' in line)) continue
      expect(line['payload']).toMatchObject({ ended: 'stopped', missed: 0 })
      break
    }
    const events: TraceInfo[] = []
    const traced = client.call('trace.start', { name: 'bus', max: 2 }, { onProgress: (event) => events.push(event) })
    const other = await here.client()
    await until('it has seen enough', async () => {
      await other.call('actor.restart', { name: 'bus' })
      return events.length === 2
    })
    expect(await traced).toEqual({ ended: 'max', count: 2, missed: 0 })
    await expect(client.call('trace.start', { name: 'nobody' })).rejects.toMatchObject({ code: 'ERR_ACTOR_NOT_FOUND' })
  })
})
