import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../../..')
const made: string[] = []

const HEAD = "import { describe, expect, it } from 'vitest'\n"

/** Runs script/test.ts in a project of its own that has these test files. */
const runTests = (
  tests: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): { status: number | null; last: string; output: string } => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-tests-'))
  made.push(directory)
  for (const name of ['script', 'src', 'test']) mkdirSync(join(directory, name))
  copyFileSync(join(root, 'script/test.ts'), join(directory, 'script/test.ts'))
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(directory, 'tsconfig.json'), '{ "compilerOptions": { "noEmit": true, "types": [] }, "include": ["src"] }')
  writeFileSync(
    join(directory, 'src/sum.ts'),
    'export const sum = (a: number, b: number): number => a + b\nexport const unused = (): number => {\n  const x = 1\n  return x\n}\n',
  )
  const coverage = "coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary'], thresholds: { lines: 85 } }"
  writeFileSync(
    join(directory, 'vitest.config.ts'),
    `export default { test: { include: ['test/*.test.ts'], passWithNoTests: false, ${coverage} } }`,
  )
  for (const [name, text] of Object.entries(tests)) writeFileSync(join(directory, 'test', name), HEAD + text)
  // The marks of the vitest that runs this test would make the inner one believe it is a worker.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST$|NODE_ENV$|NODE_V8_COVERAGE$)/.test(name)))
  const { status, stdout, stderr } = spawnSync(process.execPath, ['script/test.ts', ...args], { cwd: directory, encoding: 'utf8', env })
  return { status, last: stdout.trimEnd().split('\n').at(-1) ?? '', output: stdout + stderr }
}

const COVERS = "import { sum, unused } from '../src/sum.ts'\nit('covers', () => { expect(sum(1, 2) + unused()).toBe(4) })\n"

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

describe('script/test', () => {
  it('ends with the counts, exits with 0 when all passed, and names each skip with its reason', () => {
    const { status, last, output } = runTests({ 'a.test.ts': `${COVERS}it('needs tmux', (ctx) => ctx.skip('tmux is not installed'))\n` })
    expect(last).toBe('1 passed, 0 failed, 1 skipped')
    expect(output).toContain('skipped: test/a.test.ts: needs tmux: tmux is not installed')
    expect(status).toBe(0)
  })

  it('fails with a failed test, and with a file that cannot be loaded', () => {
    const { status, last } = runTests({
      'a.test.ts': `${COVERS}it('fails', () => expect(1).toBe(2))\n`,
      'b.test.ts': "import './gone.ts'\n",
    })
    expect(last).toBe('1 passed, 2 failed, 0 skipped')
    expect(status).toBe(1)
  })

  it('fails with an error that no test caught', () => {
    const { status, last } = runTests({
      'a.test.ts': `${COVERS}it('lets go', async () => { void Promise.reject(new Error('nobody')); await new Promise((r) => setTimeout(r, 20)) })\n`,
    })
    expect(last).toBe('2 passed, 1 failed, 0 skipped')
    expect(status).toBe(1)
  })

  it('fails when nothing ran, with and without a filter', () => {
    expect(runTests({})).toMatchObject({ status: 1, last: '0 passed, 0 failed, 0 skipped' })
    expect(runTests({ 'a.test.ts': COVERS }, ['no-such-file'])).toMatchObject({ status: 1, last: '0 passed, 0 failed, 0 skipped' })
  })

  it('fails below 85 % of lines covered, though no test failed [Q-1]', () => {
    const { status, last, output } = runTests({
      'a.test.ts': "import { sum } from '../src/sum.ts'\nit('sums', () => { expect(sum(1, 2)).toBe(3) })\n",
    })
    expect(last).toBe('1 passed, 0 failed, 0 skipped')
    expect(output).toContain('coverage')
    expect(status).toBe(1)
  })

  it('runs the files that it is given, without a threshold', () => {
    const files = { 'a.test.ts': "it('one', () => { expect(1).toBe(1) })\n", 'b.test.ts': "it('two', () => { expect(1).toBe(2) })\n" }
    expect(runTests(files, ['test/a.test.ts'])).toMatchObject({ status: 0, last: '1 passed, 0 failed, 0 skipped' })
    expect(runTests(files, ['-t', 'one'])).toMatchObject({ status: 0, last: '1 passed, 0 failed, 0 skipped' })
  })
})
