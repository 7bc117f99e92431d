/**
 * script/bench [SUITE | SUITE/CASE]... [--json] [--smoke]. Ratios are to a raw baseline measured in the same run; absolute figures
 * say more about the machine than about signalbox.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { exceeded, type Limits, measure, type Result, type Suite, tableOf } from './harness.ts'

type Make = (options: { readonly smoke: boolean }) => Promise<Suite>

const suites: Readonly<Record<string, () => Promise<Make>>> = {
  cli: async () => (await import('./cli.bench.ts')).cliSuite,
  control: async () => (await import('./control.bench.ts')).controlSuite,
  kernel: async () => (await import('./kernel.bench.ts')).kernelSuite,
  pty: async () => (await import('./pty.bench.ts')).ptySuite,
  tmux: async () => (await import('./tmux.bench.ts')).tmuxSuite,
  worktrees: async () => (await import('./worktrees.bench.ts')).worktreesSuite,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, smoke: { type: 'boolean', default: false } },
})
/** Cases wanted by suite; none: all. */
const wanted = new Map<string, readonly string[]>()
for (const word of positionals.length > 0 ? positionals : Object.keys(suites)) {
  const [suite = '', ...rest] = word.split('/')
  wanted.set(suite, [...(wanted.get(suite) ?? []), ...(rest.length === 0 ? [] : [rest.join('/')])])
}
const names = [...wanted.keys()]
const unknown = names.filter((name) => suites[name] === undefined)
if (unknown.length > 0) {
  console.error(`bench: no such suite: ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`)
  process.exit(2)
}

// For what is said about memory: `gc` on demand, whatever flags node was started with.
setFlagsFromString('--expose-gc')
globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction

const limits = JSON.parse(readFileSync(join(import.meta.dirname, 'limits.json'), 'utf8')) as Limits
const failures: string[] = []
for (const name of names) {
  const make = await suites[name]?.()
  if (make === undefined) continue
  const suite = await make({ smoke: values.smoke })
  const results: Result[] = []
  try {
    const only = wanted.get(name) ?? []
    const cases = suite.cases.filter((one) => only.length === 0 || only.includes(one.name))
    if (cases.length < only.length) throw new Error(`bench: of ${only.join(', ')} not all are in ${name}`)
    for (const one of cases) {
      if (!values.json) console.error(`bench: ${name}/${one.name} …`)
      const result = await measure(one, Math.min(values.smoke ? 5 : 20, one.rounds ?? Infinity))
      // A single bad moment is no regression: what exceeds its limit is measured once more, longer.
      const again = values.smoke && exceeded(name, [result], limits).length > 0
      results.push(again ? await measure(one, Math.min(15, one.rounds ?? Infinity)) : result)
    }
  } finally {
    await suite.close()
  }
  console.log(values.json ? JSON.stringify({ suite: name, results }) : `${tableOf(name, results)}\n`)
  if (values.smoke) failures.push(...exceeded(name, results, limits))
}
for (const failure of failures) console.error(`bench: FAILED ${failure}`)
process.exit(failures.length > 0 ? 1 : 0)
