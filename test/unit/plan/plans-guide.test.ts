import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isSignalboxError } from '../../../src/protocols/errors.ts'
import { keysAt } from '../../../src/protocols/plan.schema.ts'
import { parsePlan } from '../../../src/protocols/plan-parse.ts'

const guide = readFileSync(new URL('../../../docs/guide/plans.md', import.meta.url), 'utf8')
const example = /```yaml\n(.*?)```/s.exec(guide)?.[1] ?? ''

/** The keys and defaults of the table below a heading. */
const table = (heading: string): Map<string, string> => {
  const section = guide.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return new Map(
    [...section.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(([, key = '', fallback = '']) => [key, fallback.replaceAll('`', '')]),
  )
}

describe('docs/guide/plans.md', () => {
  it('begins with a plan that works', () => {
    const plan = parsePlan(example, 'plan.yaml')
    expect(plan.lanes.map(({ name, after }) => [name, after])).toEqual([
      ['parser', []],
      ['docs', ['parser']],
    ])
    expect(plan.lanes[0]?.commands.map(({ name }) => name)).toEqual(['npm-ci', 'test', 'server'])
  })

  it.each([
    ['The plan', []],
    ['A lane', ['lanes', 'x']],
  ])('%s: lists every key, and no other', (heading, path) => {
    expect([...table(heading).keys()].toSorted()).toEqual([...keysAt(path)].toSorted())
  })

  it('A command: lists every key with the default that it has', () => {
    const listed = table('A command')
    expect([...listed.keys()].toSorted()).toEqual([...keysAt(['lanes', 'x', 'commands', 0])].toSorted())
    const [command] = parsePlan('lanes: { x: { commands: [x] } }', 'p').lanes[0]?.commands ?? []
    for (const key of ['restart', 'intensity', 'backoff', 'graceMs', 'limits', 'env'] as const) {
      const written = listed.get(key) ?? ''
      const read = parsePlan(`lanes: { x: { commands: [{ run: x, ${key}: ${written} }] } }`, 'p').lanes[0]?.commands[0]
      expect(read).toEqual(command)
      if (typeof command?.[key] !== 'object') expect(written).toBe(String(command?.[key]))
    }
  })

  it('When a command fails: lists every kind with what is done, and the defaults', () => {
    const section = guide.split('## When a command fails\n')[1] ?? ''
    const { classify } = parsePlan('lanes: { x: { commands: [x] } }', 'p').lanes[0]?.commands[0] ?? {}
    const listed = [...section.matchAll(/^\| `(\w+)` \| .* \| `(\w+)` \|$/gm)].map(([, kind = '', done]) => [kind, done])
    expect(Object.fromEntries(listed)).toEqual(classify?.decide)
    const shown = parsePlan(/```yaml\n(.*?)```/s.exec(section)?.[1] ?? '', 'p').lanes[0]?.commands[0]?.classify
    expect(shown).toEqual({
      decide: { ...classify?.decide, authentication: 'restart' },
      texts: { ...classify?.texts, rateLimited: ['come back later'] },
      usual: true,
      wait: { ...classify?.wait, times: 3 },
    })
    expect(shown?.wait.minMs).toBe(60_000)
    expect(section).toContain('wait: { minMs: 60000, maxMs: 3600000, times: 10 }    # the defaults')
  })

  it('shows the errors as they are', () => {
    const plan = 'lanes:\n  parser:\n    comands: [x]\n    commands: [x]\n  docs:\n    commands: [x]\n    after: [parsr]\n'
    try {
      parsePlan(plan, 'plan.yaml')
      expect.unreachable()
    } catch (error) {
      if (!isSignalboxError(error)) throw error
      expect(guide).toContain(`signalbox: ${error.message}\nnext: `)
    }
  })
})
