import { describe, expect, it } from 'vitest'
import { keysAt, planJsonSchema } from '../../../src/protocols/plan.schema.ts'

type Schema = {
  [key: string]: unknown
  properties: Record<string, Schema>
  additionalProperties: Schema | boolean
  anyOf: Schema[]
  items: Schema
}

describe('planJsonSchema', () => {
  const schema = planJsonSchema() as Schema

  it('has an id, is strict, and describes every key', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'urn:signalbox:plan:1',
      required: ['lanes'],
    })
    const lax: string[] = []
    const visit = (part: Schema, path: string): void => {
      if (part.properties !== undefined && part.additionalProperties !== false) lax.push(path)
      for (const [key, child] of Object.entries(part.properties ?? {})) {
        if (typeof child.description !== 'string') lax.push(`${path}.${key}`)
        visit(child, `${path}.${key}`)
      }
      if (typeof part.additionalProperties === 'object') visit(part.additionalProperties, `${path}.*`)
      for (const child of [...(part.anyOf ?? []), ...(part.items === undefined ? [] : [part.items])]) visit(child, `${path}[]`)
    }
    visit(schema, 'plan')
    expect(lax).toEqual([])
  })

  it('is the form that people write: only `lanes`, `commands` and `run` are required', () => {
    const lane = schema.properties.lanes?.additionalProperties as Schema
    expect(lane.required).toEqual(['commands'])
    expect(lane.properties.commands?.items.anyOf[1]?.required).toEqual(['run'])
    expect(lane.properties.base?.default).toBe('HEAD')
  })

  it('is plain JSON', () => expect(JSON.parse(JSON.stringify(schema))).toEqual(schema))
})

describe('keysAt', () => {
  it('knows the keys of each map of a plan', () => {
    expect(keysAt([])).toEqual(['lanes', 'keep', 'parallel', 'classify'])
    expect(keysAt(['lanes', 'x'])).toContain('commands')
    expect(keysAt(['lanes', 'x', 'commands', 3])).toContain('graceMs')
    expect(keysAt(['lanes', 'x', 'commands', 3, 'intensity'])).toEqual(['restarts', 'withinMs'])
    expect(keysAt(['lanes', 'x', 'commands', 3, 'backoff'])).toContain('jitter')
    expect(keysAt(['classify'])).toEqual(['decide', 'texts', 'usual', 'wait'])
    expect(keysAt(['lanes', 'x', 'commands', 3, 'classify', 'decide'])).toContain('rateLimited')
    expect(keysAt(['classify', 'texts'])).toEqual(['authentication', 'rateLimited', 'memory'])
    expect(keysAt(['classify', 'wait'])).toEqual(['minMs', 'maxMs', 'times'])
    expect(keysAt(['lanes', 'x', 'env'])).toEqual([])
  })
})
