import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/main.ts'
import { type Counterexample, readCorpus, shortTrace } from '../../../src/testing/counterexample.ts'
import { property } from '../../../src/testing/property.ts'
import { note } from '../../../src/testing/recording.ts'
import { replay } from '../../../src/testing/replay.ts'
import { runProperty } from '../../../src/testing/run-property.ts'
import { printedWrong } from '../../helpers/schema-check.ts'
import { fakeIo } from '../cli/fakes.ts'

const place = mkdtempSync(join(tmpdir(), 'signalbox replay ü-'))
afterAll(() => rmSync(place, { recursive: true }))
const KIT = new URL('../../../src/testing/index.ts', import.meta.url).href

/** A bank that lets somebody owe: the file that a user has, with the bug or without. */
const bank = (check: string): string => `
import { fc, property, simulate, defineActor, worker } from '${KIT}'
const account = defineActor({
  kind: 'account',
  init: () => 0,
  on: {
    add: (_ctx, total, { n }, reply) => {
      const next = ${check}
      reply(next)
      return next
    },
  },
})
export const solvent = property('nobody owes', fc.array(fc.integer({ min: -9, max: 9 })), async (amounts) => {
  const { trace } = await simulate({
    seed: 1,
    tree: { type: 'supervisor', name: 'root', strategy: 'one_for_one', children: [worker('account', account, null)] },
    steps: [...amounts.map((n) => ({ do: 'ask', to: 'account', type: 'add', message: { n } })), { do: 'settle' }],
  })
  for (const one of trace) if (one.event === 'answered' && one.value < 0) throw new Error('owes ' + one.value)
})
`
const BROKEN = 'total + n'
const write = (name: string, check: string): string => {
  const path = join(place, name)
  writeFileSync(path, bank(check))
  return path
}
const run = async (...argv: string[]) => {
  const io = fakeIo({ cwd: place })
  return { code: await main(argv, io), out: io.out.text(), err: io.err.text() }
}
/** A counterexample that the file's own property gave. */
const fail = async (name: string): Promise<string> => {
  const module = (await import(/* @vite-ignore */ write(name, BROKEN))) as { solvent: Parameters<typeof runProperty<unknown>>[0] }
  const { file } = await runProperty(module.solvent, { corpus: join(place, 'corpus'), module: name, seed: 5 })
  return file!
}

describe('a property that fails', () => {
  const scenarios = fc.array(fc.nat(100))
  const broken = property('sums stay small', scenarios, (all) => {
    for (const n of all) note(`adds ${n}`)
    if (all.reduce((sum, n) => sum + n, 0) > 120) throw new Error('too much')
  })
  const corpus = join(place, 'sums')

  it('prints seed, path, the shortened scenario and its trace, and writes them to a file [Q-2]', async () => {
    const { ok, file, text, seed } = await runProperty(broken, { corpus, seed: 3, module: 'sums.prop.ts' })
    expect([ok, seed]).toEqual([false, 3])
    expect(text).toMatch(
      /^sums stay small\ndoes not hold: run \d+ of the search, shortened \d+ times\nseed 3, path [\d:]+\nscenario \[\d+,\d+\]\ntoo much\nwhat happened:\nadds \d+\nadds \d+\nagain, step by step: signalbox replay /,
    )
    const written = JSON.parse(readFileSync(file!, 'utf8')) as Counterexample
    expect(written).toMatchObject({ property: 'sums stay small', module: 'sums.prop.ts', seed: 3, error: 'too much' })
    expect(written.trace).toHaveLength(2)
    expect((written.scenario!.value as number[]).reduce((sum, n) => sum + n, 0)).toBe(121)
  })

  it('runs its past failures first, and writes the same failure once [Q-2]', async () => {
    expect(await runProperty(broken, { corpus, seed: 4 })).toMatchObject({ ok: false, runs: 1 })
    expect(readCorpus(corpus)).toHaveLength(1)
    const seen: unknown[] = []
    const mended = property('sums stay small', scenarios, (all) => void seen.push(all), { runs: 10 })
    expect(await runProperty(mended, { corpus })).toMatchObject({ ok: true, runs: 11, text: '' })
    expect(seen[0]).toEqual(readCorpus(corpus)[0]?.counterexample.scenario?.value)
  })

  it('is found again by seed and path where its scenario is no plain data [Q-2]', async () => {
    const odd = property('no big ones', fc.bigInt({ min: 0n, max: 1_000n }), (n) => {
      if (n > 10n) throw new Error(`is ${n}`)
    })
    const { file, text } = await runProperty(odd, { corpus: join(place, 'odd'), seed: 9 })
    expect(text).toContain('is 11')
    expect(JSON.parse(readFileSync(file!, 'utf8'))).toMatchObject({ scenario: null, seed: 9 })
    expect(await runProperty(odd, { corpus: join(place, 'odd') })).toMatchObject({ ok: false, runs: 1, seed: 9 })
  })

  it('is told all the same where it cannot be kept, and leaves no half a file [Q-2]', async () => {
    const taken = join(place, 'taken')
    writeFileSync(taken, '')
    const { ok, file, text } = await runProperty(broken, { corpus: join(taken, 'corpus'), seed: 3 })
    expect([ok, file]).toEqual([false, null])
    expect(text).toMatch(/too much\n[^]*the counterexample could not be kept: ENOTDIR/)
    const corpora = join(place, 'at once')
    await Promise.all([1, 2, 3, 4].map(() => runProperty(broken, { corpus: corpora, seed: 3 })))
    expect(readCorpus(corpora)).toHaveLength(1)
    expect(readdirSync(corpora)).toHaveLength(1)
  })

  it('that tries nothing has not held [Q-2]', async () => {
    const none = property('none', scenarios, () => {}, { runs: Number.NaN })
    expect(await runProperty(none, { corpus: join(place, 'none') })).toMatchObject({
      ok: false,
      text: expect.stringMatching(/too few/) as string,
    })
  })

  it('of a long run shows the first and the last of it', () => {
    const lines = Array.from({ length: 1_000 }, (_, index) => String(index))
    const short = shortTrace(lines, 8)
    expect(short).toEqual(['0', '1', '… 992 lines left out …', '994', '995', '996', '997', '998', '999'])
  })
})

describe('replay', () => {
  it('runs a counterexample again with the code as it is now, step by step [Q-2]', async () => {
    const file = await fail('bank.prop.mts')
    const told: string[] = []
    const again = await replay(file, (line) => told.push(line))
    expect(again).toMatchObject({ ok: false, title: 'nobody owes', module: join(place, 'bank.prop.mts') })
    expect(told).toEqual(again.lines)
    expect(told).toContain('step 1 of 2: {"do":"ask","to":"account","type":"add","message":{"n":-1}}')
    expect(told.join('\n')).toMatch(/answered +step=0 value=-1/)
  })

  it('on the command line: 1 while it fails, with every step; 0 when it holds; --json is one document [Q-2]', async () => {
    const file = await fail('shop.prop.mts')
    const still = await run('replay', file)
    expect(still.code).toBe(1)
    expect(still.out).toMatch(/step 1 of 2: [^]*still fails: nobody owes\nowes -1\n$/)
    // Another file of the same content, mended: a module is loaded once in a process.
    write('mended.prop.mts', 'Math.max(0, total + n)')
    const mended = join(place, 'mended.json')
    writeFileSync(mended, readFileSync(file, 'utf8').replace('shop.prop.mts', 'mended.prop.mts'))
    const holds = await run('replay', 'mended.json', '--json')
    expect(holds.code).toBe(0)
    expect(printedWrong(['replay', '--json'], holds.out)).toEqual([])
    expect(JSON.parse(holds.out)).toMatchObject({ type: 'replay', property: 'nobody owes', ok: true, error: null })
  })

  it.each([
    ['nothing.json', null, 'no such file'],
    ['text.json', 'hello', 'not valid JSON'],
    ['other.json', '{"type":"plan"}', 'is not a counterexample'],
    ['orphan.json', { module: null }, 'does not say which file'],
    ['moved.json', { module: 'gone.prop.ts' }, 'there is no gone.prop.ts above it'],
    ['renamed.json', { module: 'bank.prop.mts', property: 'another' }, 'exports no property "another"'],
  ])('%s is wrong usage: 2, with the reason [Q-2]', async (name, content, reason) => {
    const base = { type: 'counterexample', property: 'p', seed: 1, path: '0' }
    write('bank.prop.mts', BROKEN)
    if (content !== null) writeFileSync(join(place, name), typeof content === 'string' ? content : JSON.stringify({ ...base, ...content }))
    const { code, err } = await run('replay', name)
    expect(code).toBe(2)
    expect(err).toContain(reason)
    expect(err).toMatch(/\nnext: /)
  })
})
