import { afterEach, describe, expect, it } from 'vitest'
import { METHOD_PAGES } from '../../../script/docs/method-pages.ts'
import { methodsPage } from '../../../script/docs/methods.ts'
import { isMethod, PARAMS } from '../../../src/protocols/control/methods.schema.ts'
import { within } from '../run/run-kit.ts'
import { type ControlWorld, makeControlWorld } from './control-kit.ts'

let world: ControlWorld | null = null
afterEach(async () => world?.end())

/** Names of keys and kinds of values; null and empty lists go with anything. */
const sameShape = (shown: unknown, real: unknown, at: string): void => {
  if (shown === null || real === null) return
  if (Array.isArray(shown)) {
    expect(Array.isArray(real), at).toBe(true)
    if (shown.length > 0 && (real as unknown[]).length > 0) sameShape(shown[0], (real as unknown[])[0], `${at}[0]`)
    return
  }
  expect(typeof real, at).toBe(typeof shown)
  if (typeof shown !== 'object') return
  expect(Object.keys(real as object).sort(), at).toEqual(Object.keys(shown).sort())
  for (const [key, value] of Object.entries(shown)) sameShape(value, (real as Record<string, unknown>)[key], `${at}.${key}`)
}

describe('docs/reference/methods.md', () => {
  it('names every method once, and its examples can be carried out one after the other with answers of that shape', async () => {
    expect(METHOD_PAGES.map(({ method }) => method).sort()).toEqual(Object.keys(PARAMS).sort())
    world = await makeControlWorld()
    const { raw } = world
    const main = await raw()
    for (const { method, params, result } of METHOD_PAGES) {
      expect(isMethod(method)).toBe(true)
      // One that goes on in frames has a connection of its own.
      const client = method === 'terminal.attach' ? await raw() : main
      if (client !== main) {
        client.send(`${JSON.stringify({ id: 'h', method: 'hello', payload: { protocols: [1] } })}\n`)
        await client.line()
      }
      client.send(`${JSON.stringify({ id: '1', method, payload: params, key: `example-${method}` })}\n`)
      for (;;) {
        const answer = await within(30_000, method, client.line())
        if (answer['causation_id'] !== '1' || 'progress' in answer) continue
        expect(answer['error'], method).toBe(undefined)
        sameShape(result, answer['payload'], method)
        break
      }
      if (client !== main) client.socket.destroy()
    }
    expect(methodsPage()).toContain('## orchestrator.stop')
  })
})
