/**
 * Everything quick, each in its own process, two at a time; a failing one does not hide the others.
 *   npm run check               all
 *   npm run check -- lint tree  some
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

const checks: Readonly<Record<string, readonly string[]>> = {
  types: ['tsc', '-p', 'tsconfig.json'],
  lint: ['oxlint', '--type-aware', '.'],
  imports: ['node', 'script/check-imports.ts'],
  unused: ['knip', '--no-progress'],
  format: ['oxfmt', '--check', '.'],
  tree: ['node', 'script/check-tree.ts'],
  docs: ['node', 'script/docs/generate.ts', '--check'],
}

const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` }

const run = (name: string, [command = '', ...args]: readonly string[]): Promise<boolean> =>
  new Promise((resolve) => {
    const began = performance.now()
    const output: Buffer[] = []
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => output.push(bytes))
    const done = (ok: boolean, why: string): void => {
      if (!ok) process.stdout.write(Buffer.concat(output))
      console.log(`check: ${name.padEnd(8)} ${ok ? 'ok' : why} (${((performance.now() - began) / 1000).toFixed(1)} s)`)
      resolve(ok)
    }
    child.on('error', (error) => done(false, `FAILED: ${error.message}`))
    child.on('close', (code, signal) => done(code === 0, `FAILED (${signal ?? `exit ${code}`})`))
  })

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(checks)
const unknown = names.filter((name) => checks[name] === undefined)
if (unknown.length > 0) {
  console.error(`check: no such check: ${unknown.join(', ')}; there are ${Object.keys(checks).join(', ')}`)
  process.exit(2)
}

const waiting = [...names]
const results: boolean[] = []
const worker = async (): Promise<void> => {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) results.push(await run(name, checks[name] ?? []))
}
await Promise.all([worker(), worker()])
process.exitCode = results.length === names.length && results.every(Boolean) ? 0 : 1
