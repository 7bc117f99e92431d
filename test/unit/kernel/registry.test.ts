import { describe, expect, it } from 'vitest'
import type { Incarnation } from '../../../src/kernel/incarnation.types.ts'
import { Registry } from '../../../src/kernel/registry.ts'
import { schedulerId } from '../../../src/kernel/scheduler-id.ts'

const incarnation = (name: string, number: number): Incarnation =>
  ({ ref: { name, incarnation: number, id: `${name}$${number}` }, ties: null }) as unknown as Incarnation

const live = (registry: Registry, name: string): Incarnation => {
  const actor = incarnation(name, 0)
  const number = registry.begin(actor, name)
  return Object.assign(actor, { ref: { name, incarnation: number, id: `${name}$${number}` } })
}

describe('registry', () => {
  it('says of a reference whether it was restarted, ended, or never was [SUP-7]', () => {
    const registry = new Registry()
    const first = live(registry, 'a')
    expect(registry.resolve(first.ref)).toBe(first)
    registry.ended(first, { reason: 'crashed' }, true)
    expect(registry.resolve(first.ref)).toBe('restarted')
    expect(registry.resolve({ name: 'a' })).toBe('not-found')
    const second = live(registry, 'a')
    expect(registry.resolve({ name: 'a' })).toBe(second)
    expect(registry.resolve(first.ref)).toBe('restarted')
    registry.ended(second, { reason: 'normal' }, false)
    expect(registry.resolve(second.ref)).toBe('ended')
    expect(registry.resolve({ name: 'a', incarnation: 3 })).toBe('not-found')
    expect(registry.exitOf('a$1')).toEqual({ reason: 'crashed' })
  })

  it('gives a name to one supervisor at a time, and back when that one ends [SUP-7]', () => {
    const registry = new Registry()
    const [one, two] = [incarnation('one', 1), incarnation('two', 1)]
    expect(registry.claim('a', one)).toBe(true)
    expect(registry.claim('a', two)).toBe(false)
    registry.releaseAll(one)
    expect(registry.claim('a', two)).toBe(true)
  })

  it('never uses an incarnation number twice, and forgets names in the end [SUP-7]', () => {
    const registry = new Registry()
    const owner = incarnation('owner', 1)
    const first = new Map<number, number>()
    for (let n = 0; n < 70_000; n += 1) {
      registry.claim(`n${n}`, owner)
      const actor = live(registry, `n${n}`)
      first.set(n, actor.ref.incarnation)
      registry.ended(actor, { reason: 'normal' }, false)
      registry.release(`n${n}`)
    }
    expect(registry.resolve({ name: 'n0', incarnation: 1 })).toBe('not-found')
    for (const n of [0, 5_000, 69_999]) expect(live(registry, `n${n}`).ref.incarnation).toBeGreaterThan(first.get(n)!)
    expect(registry.exitOf('n0$1')).toBe(undefined)
  })
})

describe('ids for schedulers', () => {
  it('keep names apart, in the alphabet that nact allows [SUP-7]', () => {
    const names = ['lane:a', 'lane!3a!a', 'lane/a', 'lane a', 'ä', 'a$1', 'a', '', '%~', '😀']
    const idOf = (name: string, incarnation: number) => schedulerId({ name, incarnation, id: `${name}$${incarnation}` })
    const ids = [...names.map((name) => idOf(name, 1)), idOf('a', 11), idOf('a$1', 1)]
    expect(new Set(ids).size).toBe(names.length + 1)
    for (const id of ids) expect(id).toMatch(/^[a-z0-9\-$_.+!*'(),]+$/i)
  })
})
