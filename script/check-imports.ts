/**
 * Import rules. dependency-cruiser has passed before with nothing seen (a TypeScript that it did not understand), so
 * this fails too when it saw too few modules or no import between them.
 *   node script/check-imports.ts [DIRECTORY]   a directory that holds src/; default: this repository
 */
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'

type Cruise = {
  readonly modules: readonly { readonly source: string; readonly dependencies: readonly { readonly resolved: string }[] }[]
  readonly summary: {
    readonly violations: readonly {
      readonly from: string
      readonly to: string
      readonly rule: { readonly name: string; readonly severity: string }
    }[]
  }
}

const LEAST_MODULES = 20
const root = join(import.meta.dirname, '..')
const directory = resolve(process.argv[2] ?? root)
const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
const config = join(root, '.dependency-cruiser.mjs')

const { stdout, stderr, status } = spawnSync(process.execPath, [cruiser, '--config', config, '--output-type', 'json', 'src'], {
  cwd: directory,
  encoding: 'utf8',
  maxBuffer: 1 << 28,
})
if (stdout === '') {
  console.error(`dependency-cruiser gave nothing (exit ${status}): ${stderr}`)
  process.exit(1)
}
const { modules, summary } = JSON.parse(stdout) as Cruise
const own = modules.filter((module) => module.source.startsWith('src/'))
const edges = own.flatMap((module) => module.dependencies.filter((dependency) => dependency.resolved.startsWith('src/')))

for (const { rule, from, to } of summary.violations) console.error(`${rule.severity} ${rule.name}: ${from} → ${to}`)
if (own.length < LEAST_MODULES || edges.length < LEAST_MODULES) {
  console.error(`error too-little-seen: ${own.length} modules and ${edges.length} imports; at least ${LEAST_MODULES} of each were expected`)
  process.exitCode = 1
} else {
  console.log(`${own.length} modules, ${edges.length} imports between them, ${summary.violations.length} violations`)
  if (summary.violations.length > 0) process.exitCode = 1
}
