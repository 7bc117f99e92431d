import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { controlSchema } from '../../../script/docs/control-schema.ts'
import { METHOD_PAGES } from '../../../script/docs/method-pages.ts'
import { methodsPage } from '../../../script/docs/methods.ts'
import type { ControlMethod } from '../../../src/protocols/control/methods.ts'
import { PARAMS } from '../../../src/protocols/control/methods.schema.ts'
import { type CallPart, callCheck } from '../../helpers/schema-check.ts'
import { within } from '../run/run-kit.ts'
import { type ControlWorld, HELLO, makeControlWorld, type RawClient } from './control-kit.ts'

// From the types as they are now, whether or not the page is current.
const schema = controlSchema(join(import.meta.dirname, '../../..'))
const check = callCheck(schema)

let world: ControlWorld | null = null
afterEach(async () => world?.end())

/** Every part of every method that has a schema, but for what is sent. */
const PARTS = Object.entries(schema.properties)
  .flatMap(([method, { properties }]) => Object.keys(properties).map((part) => `${method}.${part}`))
  .filter((name) => !name.endsWith('.params'))
  .sort()

const partOf = (line: Record<string, unknown>): CallPart => {
  if ('progress' in line) return 'progress'
  return 'subscription' in line ? 'push' : 'result'
}

/** Reads what an orchestrator says, and remembers what it has looked at. */
const makeReader = () => {
  const seen = new Set<string>()
  const read = (asked: ControlMethod, line: Record<string, unknown>): CallPart => {
    expect(line['error'], asked).toBe(undefined)
    const part = partOf(line)
    const method = part === 'push' ? 'events.subscribe' : asked
    const value = part === 'result' ? line['payload'] : part === 'progress' ? line['progress'] : line
    expect(check(method, part, value)).toEqual([])
    seen.add(`${method}.${part}`)
    return part
  }
  return { seen, read }
}

const greeted = async (client: RawClient): Promise<RawClient> => {
  client.send(HELLO)
  await client.line()
  return client
}

describe('the schemas of docs/reference/methods.schema.json', () => {
  it('fit the examples of docs/reference/methods.md, which names every method once', () => {
    expect(METHOD_PAGES.map(({ method }) => method).sort()).toEqual(Object.keys(PARAMS).sort())
    const page = methodsPage(schema)
    for (const { method, params, result } of METHOD_PAGES) {
      expect(check(method, 'params', params)).toEqual([])
      expect(check(method, 'result', result)).toEqual([])
      expect(page).toContain(`## ${method}\n`)
    }
  })

  it('fit all that an orchestrator answers, tells and sends when the examples are carried out one after the other', async () => {
    world = await makeControlWorld()
    const { raw } = world
    const { seen, read } = makeReader()
    const main = await raw()
    // What actors do meanwhile, for the progress of a trace.
    const watcher = await greeted(await raw())
    watcher.send(`${JSON.stringify({ id: 'w', method: 'trace.start', payload: { max: 100 } })}\n`)
    for (const { method, params } of METHOD_PAGES) {
      // One that goes on in frames has a connection of its own.
      const client = method === 'terminal.attach' ? await greeted(await raw()) : main
      client.send(`${JSON.stringify({ id: '1', method, payload: params, key: `example-${method}` })}\n`)
      while (read(method, await within(30_000, method, client.line())) !== 'result');
      if (client !== main) client.socket.destroy()
    }
    while (read('trace.start', await within(30_000, 'the trace', watcher.line())) !== 'result');
    expect([...seen].sort()).toEqual(PARTS)
  })

  it.each<[string, unknown]>([
    ['a field that is missing', { name: 'bus' }],
    ['a field too many', { name: 'bus', incarnation: 1, pid: 4711 }],
    ['a field of another type', { name: 'bus', incarnation: '1' }],
  ])('refuse %s', (_, value) => {
    expect(check('actor.restart', 'result', value)).not.toEqual([])
  })
})
