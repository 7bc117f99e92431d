/**
 * Properties with SIGNALBOX_RUNS times their usual number of runs, and test/soak/*.soak.ts; prints each test with its time and what the files
 * report on standard output. The last line is `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { globSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const runs = process.env['SIGNALBOX_RUNS'] ?? '20'
if (!/^[1-9]\d{0,8}$/.test(runs)) {
  console.error(`soak: SIGNALBOX_RUNS is "${runs}"; it must be a whole number above 0`)
  process.exit(2)
}
const given = process.argv.slice(2)
const files = given.length > 0 ? given : globSync(['property-tests/**/*.prop.ts', 'test/soak/**/*.soak.ts'], { cwd: root }).sort()
console.log(`soak: ${files.length} files, ${runs} times the usual number of runs`)
const { status } = spawnSync(process.execPath, ['script/test.ts', '--config', 'vitest.soak.config.ts', ...files], {
  cwd: root,
  // Other scenarios each time.
  env: { SIGNALBOX_SEED: String(randomInt(2 ** 31)), ...process.env, SIGNALBOX_RUNS: runs },
  stdio: 'inherit',
})
process.exitCode = status ?? 1
