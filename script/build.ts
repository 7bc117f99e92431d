/**
 * Compiles src/ to dist/, unless dist/ is current. The new tree replaces the old one in one rename, so that a command
 * that runs meanwhile never meets a half-written one.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const stamp = join(dist, '.inputs')

const fingerprint = (): string => {
  const hash = createHash('sha256')
  const inputs = [...globSync('src/**/*.ts', { cwd: root }).sort(), 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json']
  for (const file of inputs) hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

const wanted = fingerprint()
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  const made = join(root, '.tmp', `dist-${process.pid}`)
  const old = `${made}-old`
  mkdirSync(join(root, '.tmp'), { recursive: true })
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', made], { cwd: root, stdio: 'inherit' })
  // TypeScript forgets to rewrite `import('./x.ts')` in a function that has a `using` (6.0.3).
  const forgotten =
    status === 0
      ? globSync('**/*.js', { cwd: made }).filter((file) => /import\('\.[^']*\.ts'\)/.test(readFileSync(join(made, file), 'utf8')))
      : []
  if (forgotten.length > 0)
    console.error(`build: an import of a .ts file is left in ${forgotten.join(', ')}; move it into a function without "using"`)
  if (status === 0 && forgotten.length === 0) {
    writeFileSync(join(made, '.inputs'), wanted)
    if (existsSync(dist)) renameSync(dist, old)
    renameSync(made, dist)
  }
  for (const directory of [made, old]) rmSync(directory, { recursive: true, force: true })
  process.exitCode = forgotten.length > 0 ? 1 : (status ?? 1)
}
