import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/main.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { Clock } from '../../../src/ports/clock.port.ts'
import { fuzz as search } from '../../../src/testing/fuzz.ts'
import { printedWrong } from '../../helpers/schema-check.ts'
import { fakeIo } from '../cli/fakes.ts'

const place = mkdtempSync(join(tmpdir(), 'signalbox fuzz ü-'))
afterAll(() => rmSync(place, { recursive: true }))
const KIT = new URL('../../../src/testing/index.ts', import.meta.url).href

/** Writes a project. @returns its directory */
const project = (name: string, files: Readonly<Record<string, string>>): string => {
  for (const [file, text] of Object.entries(files)) {
    const path = join(place, name, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return join(place, name)
}
/** As a user starts it, in this process; the time is that of one round. */
const fuzz = async (cwd: string, ...argv: string[]) => {
  const io = fakeIo({ cwd })
  const code = await main(['fuzz', '--minutes', '0.0000001', '--seed', '11', ...argv], io)
  return { code, out: io.out.text(), err: io.err.text() }
}
const prop = (title: string, body: string, options = ''): string =>
  `import { fc, property } from '${KIT}'\nexport const one = property('${title}', fc.nat(1000), (n) => { ${body} }, { runs: 40 ${options} })\n`
const GOOD = prop('good', '')
const BAD = prop('bad', "if (n > 500) throw new Error('too big: ' + n)")

describe('signalbox fuzz', () => {
  it('runs what files named *.prop.* export, wherever they are, and nothing else [Q-2]', async () => {
    const cwd = project('all', {
      'a.prop.mts': GOOD,
      'deep er/b.prop.mjs': prop('deeper', ''),
      'node_modules/x/c.prop.mjs': BAD,
      '.hidden/d.prop.mjs': BAD,
      'not-a-property.mjs': BAD,
      'test.prop.mts': "describe('of another runner', () => {})\n",
    })
    const { code, out } = await fuzz(cwd)
    expect(out).toBe('ok           40 runs  a.prop.mts: good\nok           40 runs  deep er/b.prop.mjs: deeper\nseed 11\n')
    expect(code).toBe(0)
  })

  it('shortens and keeps what it finds, prints how to go on, and fails: 1; the next run begins with it [Q-2]', async () => {
    const cwd = project('bad', { 'bad.prop.mts': BAD, 'good.prop.mts': GOOD })
    const { code, out } = await fuzz(cwd)
    expect(code).toBe(1)
    expect(out).toMatch(
      /FAILED bad\ndoes not hold: run \d+ of the search, shortened \d+ times\nseed -?\d+, path [\d:]+\nscenario 501\ntoo big: 501\nagain, step by step: signalbox replay '.*\.json'\n/,
    )
    expect(out).toMatch(/ok +40 runs {2}good\.prop\.mts: good/)
    const [file = ''] = readdirSync(join(cwd, 'corpus'))
    expect(file).toMatch(/^bad-[0-9a-f]{8}\.json$/)
    const again = await fuzz(cwd, '--seed', '12', '--json')
    expect(again.code).toBe(1)
    expect(printedWrong(['fuzz', '--json'], again.out)).toEqual([])
    expect(JSON.parse(again.out)).toMatchObject({
      type: 'fuzz',
      ok: false,
      seed: 12,
      properties: [
        { title: 'bad', module: 'bad.prop.mts', ok: false, runs: 1, file: join(cwd, 'corpus', file) },
        { title: 'good', ok: true, error: null },
      ],
    })
    expect(readdirSync(join(cwd, 'corpus'))).toEqual([file])
  })

  it('searches the same way for the same seed, with a growing budget while there is time [Q-2]', async () => {
    const cwd = project('seeds', { 'a.prop.mjs': `const all = globalThis.fuzzed ??= []\n${prop('notes', 'all.push(n)')}` })
    const noted = globalThis as { fuzzed?: number[] }
    /** A clock of its own: each look at it takes 10 ms. */
    const once = async (seed: number, minutes: number): Promise<number[]> => {
      noted.fuzzed?.splice(0)
      let now = 0
      const clock: Clock = { ...systemClock, monotonic: () => (now += 10) }
      expect(await search({ cwd, paths: ['.'], minutes, seed, clock })).toMatchObject({ ok: true })
      return [...(noted.fuzzed ?? [])]
    }
    const first = await once(11, 0.0001)
    expect(first).toHaveLength(40)
    expect(await once(11, 0.0001)).toEqual(first)
    expect(await once(12, 0.0001)).not.toEqual(first)
    const longer = await once(11, 0.001)
    expect(longer).toHaveLength(40 + 80 + 160)
    expect(longer.slice(0, first.length)).toEqual(first)
  })

  it('fails where a file cannot be loaded or exports none, and goes on with the others [Q-2]', async () => {
    const cwd = project('broken', {
      'a.prop.mjs': "export const x = 1\nthrow new Error('at load')\n",
      'b.prop.mjs': 'export const y = 1\n',
      'c.prop.mjs': GOOD,
    })
    const { code, out } = await fuzz(cwd)
    expect(code).toBe(1)
    expect(out).toMatch(/FAILED a\.prop\.mjs: at load/)
    expect(out).toMatch(/FAILED b\.prop\.mjs: exports no property/)
    expect(out).toMatch(/ok +40 runs {2}c\.prop\.mjs: good/)
    expect((await fuzz(cwd, 'c.prop.mjs')).code).toBe(0)
  })

  it('fails a property that never ends, within its time [Q-2]', async () => {
    const cwd = project('hangs', { 'a.prop.mjs': prop('hangs', 'return new Promise(() => {})') })
    const { code, out } = await fuzz(cwd)
    expect(code).toBe(1)
    expect(out).toMatch(/FAILED hangs: too few scenarios could be tried/)
  })

  it('without a property, or with a path that is not there: wrong usage, 2 [Q-2]', async () => {
    const cwd = project('none', { 'readme.md': '' })
    const none = await fuzz(cwd)
    expect([none.code, none.err]).toEqual([2, expect.stringMatching(/no \*\.prop\.ts .*\nnext: Export/)])
    expect((await fuzz(cwd, 'gone')).err).toMatch(/gone: no such file/)
    const io = fakeIo({ cwd })
    expect(await main(['fuzz', '--minutes', 'x'], io)).toBe(2)
    expect(await main(['fuzz', '--seed', '1.5'], io)).toBe(2)
  })
})
