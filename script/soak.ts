/**
 * Properties with SIGNALBOX_RUNS times their usual number of runs, and test/soak/*.soak.ts; prints each test with its time and what the files
 * report on standard output. The last line is `N passed, N failed, N skipped`.
 * With `--fuzz MINUTES`: what decodes bytes of others and what draws screens, for so long, by `signalbox fuzz`.
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { globSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** Frames, lines and requests; tmux's control protocol; escape sequences on screens. */
const FUZZED = ['control-decoders', 'tmux-control', 'screen'].map((name) => `property-tests/${name}.prop.ts`)

const fuzz = ([minutes = '', ...files]: readonly string[]): never => {
  if (!(Number(minutes) > 0)) {
    console.error(`soak: --fuzz takes minutes above 0, not "${minutes}"`)
    process.exit(2)
  }
  const seed = process.env['SIGNALBOX_SEED'] === undefined ? [] : ['--seed', process.env['SIGNALBOX_SEED']]
  const args = ['bin/signalbox.js', 'fuzz', '--minutes', minutes, ...seed, ...(files.length > 0 ? files : FUZZED)]
  // As people start it: the files make tests of their properties where vitest loads them.
  const { VITEST: _vitest, ...env } = process.env
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env })
  process.exit(status ?? 1)
}

const given = process.argv.slice(2)
if (given[0] === '--fuzz') fuzz(given.slice(1))
const runs = process.env['SIGNALBOX_RUNS'] ?? '20'
if (!/^[1-9]\d{0,8}$/.test(runs)) {
  console.error(`soak: SIGNALBOX_RUNS is "${runs}"; it must be a whole number above 0`)
  process.exit(2)
}
const files = given.length > 0 ? given : globSync(['property-tests/**/*.prop.ts', 'test/soak/**/*.soak.ts'], { cwd: root }).sort()
console.log(`soak: ${files.length} files, ${runs} times the usual number of runs`)
const { status } = spawnSync(process.execPath, ['script/test.ts', '--config', 'vitest.soak.config.ts', ...files], {
  cwd: root,
  // Other scenarios each time.
  env: { SIGNALBOX_SEED: String(randomInt(2 ** 31)), ...process.env, SIGNALBOX_RUNS: runs },
  stdio: 'inherit',
})
process.exitCode = status ?? 1
