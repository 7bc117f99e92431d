/**
 * Type checks, then every test; with arguments, what vitest makes of them (files, -t NAME). The last line is always
 * `N passed, N failed, N skipped`. A run in which nothing ran, or which a part could not start, is a failed one.
 */
import { spawnSync } from 'node:child_process'
import { join, relative } from 'node:path'
import { parseCLI, startVitest, type TestCase, type TestModule } from 'vitest/node'

type Counts = { passed: number; failed: number; skipped: string[] }

const root = join(import.meta.dirname, '..')
const counts: Counts = { passed: 0, failed: 0, skipped: [] }

/** A skip says why in `ctx.skip(reason)`, or in its title: `(needs root)`. */
const reasonOf = (test: TestCase): string => {
  const result = test.result()
  const noted = result.state === 'skipped' ? result.note : undefined
  const named = /\((needs [^)]+)\)/.exec(test.fullName)?.[1]
  const { parent } = test
  return noted ?? named ?? (parent.type === 'suite' && parent.errors().length > 0 ? 'the set-up of its suite failed' : 'NO REASON GIVEN')
}

const count = (module: TestModule): void => {
  const file = relative(root, module.moduleId)
  let tests = 0
  for (const test of module.children.allTests()) {
    tests += 1
    const result = test.result()
    if (result.state === 'passed') counts.passed += 1
    else if (result.state === 'skipped') {
      // With -t, vitest marks as skipped what the pattern leaves out; that is no skip to report.
      if (module.project.config.testNamePattern === undefined) counts.skipped.push(`${file}: ${test.fullName}: ${reasonOf(test)}`)
    } else counts.failed += 1
  }
  // A file that could not be loaded, or whose hooks failed, has no failed test of its own.
  const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length
  counts.failed += suites + (module.errors().length > 0 || (tests === 0 && module.state() === 'failed') ? 1 : 0)
}

const checkTypes = (): void => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json', '--pretty', 'false'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  console.log(`types: ${status === 0 ? 'ok' : 'FAILED'}`)
  if (status !== 0) counts.failed += 1
}

/**
 * Random tests draw from the commit: each commit tries other scenarios, and gives the same ones wherever it is tested.
 * Undefined, and so anew each time, without git.
 */
const seedOfCommit = (): string | undefined => {
  const { status, stdout } = spawnSync('git', ['rev-parse', '--short=7', 'HEAD'], { cwd: root, encoding: 'utf8' })
  return status === 0 ? String(Number.parseInt(stdout.slice(0, 7), 16)) : undefined
}

const runTests = async (): Promise<boolean> => {
  const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)])
  const everything = process.argv.length <= 2
  const seed = process.env['SIGNALBOX_SEED'] ?? seedOfCommit()
  if (seed !== undefined) process.env['SIGNALBOX_SEED'] = seed
  console.log(`seed: ${seed ?? 'none, other scenarios each time'}`)
  if (everything) checkTypes()
  const vitest = await startVitest(filter, {
    ...options,
    root,
    watch: false,
    reporters: [['default', { summary: false }]],
    ...(everything ? { coverage: { enabled: true } } : {}),
  })
  for (const module of vitest.state.getTestModules()) count(module)
  counts.failed += vitest.state.getUnhandledErrors().length
  // Coverage below its threshold, among others, is known to vitest only by the exit code that it has set.
  const clean = (process.exitCode ?? 0) === 0
  await vitest.close()
  return clean
}

const clean = await runTests().catch((error: unknown) => {
  console.error(error)
  counts.failed += 1
  return false
})
for (const line of counts.skipped) console.log(`skipped: ${line}`)
const ok = clean && counts.failed === 0 && counts.passed > 0
if (!clean && counts.failed === 0)
  console.log('tests: no test failed, but vitest reports an error above (coverage below its threshold, or nothing to run)')
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped.length} skipped\n`, () => process.exit(ok ? 0 : 1))
