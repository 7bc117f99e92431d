import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ChildSpec, SupervisorSpec } from '../../../src/kernel/child-spec.ts'
import type { CrashScript } from '../../../src/testing/supervisor-model.ts'

const SCRIPT = join(import.meta.dirname, 'supervisor.escript')
export const hasErlang: boolean = spawnSync('escript', ['--version']).error === undefined

const atom = (name: string): string => `'${name}'`
const tree = (spec: ChildSpec): string => {
  const { name, restart = 'permanent' } = spec
  if (spec.type === 'worker')
    return `{worker, ${atom(name)}, ${restart}, ${spec.significant === true}, ${spec.shutdown === 'brutal' ? 'brutal_kill' : 5000}}`
  const { strategy, autoShutdown = 'never', intensity, children = [] } = spec
  return `{sup, ${atom(name)}, ${strategy}, ${restart}, ${spec.significant === true}, ${autoShutdown}, ${intensity?.restarts ?? 1}, [${children.map(tree).join(', ')}]}`
}
/** What is asked of the supervisor of a child: `start` with the child's own spec, so that a deleted one comes back. */
export type Command = { readonly do: 'terminate' | 'restart' | 'delete' | 'start'; readonly child: string; readonly under: string }
type Step = CrashScript['steps'][number] | Command
/** A tree, and what happens to it. */
export type Case = { readonly spec: SupervisorSpec; readonly steps: readonly Step[]; readonly fails: CrashScript['fails'] }

export const isCommand = (step: Step): step is Command => 'under' in step
export const findSpec = (spec: ChildSpec, name: string): ChildSpec | undefined => {
  if (spec.name === name) return spec
  const below = spec.type === 'supervisor' ? (spec.children ?? []) : []
  return below.map((child) => findSpec(child, name)).find((found) => found !== undefined)
}

const stepOf = (spec: SupervisorSpec, step: Step): string[] => {
  if (step.do === 'advance') return []
  if (!isCommand(step)) return [`{${step.do}, ${atom(step.child)}}`]
  const of = step.do === 'start' ? tree(findSpec(spec, step.child) ?? spec) : atom(step.child)
  return [`{${step.do}, ${atom(step.under)}, ${of}}`]
}
const term = (number: number, { spec, steps, fails }: Case): string => {
  const told = steps.flatMap((step) => stepOf(spec, step))
  const failing = Object.entries(fails).map(([name, starts]) => `{${atom(name)}, [${starts.join(', ')}]}`)
  return `{${number}, ${tree(spec)}, [${told.join(', ')}], [${failing.join(', ')}]}.`
}

/** What real OTP does in each case: starts and ends, in order, then the answers of its supervisors. */
export const runOtp = (cases: readonly Case[]): string[][] => {
  const place = mkdtempSync(join(tmpdir(), 'signalbox-otp-'))
  try {
    const file = join(place, 'scenarios.terms')
    writeFileSync(file, cases.map((each, index) => term(index, each)).join('\n'))
    const output = execFileSync('escript', [SCRIPT, file], { encoding: 'utf8', timeout: 240_000, maxBuffer: 1 << 26 })
    return output
      .split(/^# \d+\n/m)
      .slice(1)
      .map((part) => part.split('\n').filter((line) => line !== ''))
  } finally {
    rmSync(place, { recursive: true })
  }
}

/** OTP says nothing of its decisions, and calls an escalation `shutdown`. */
export const comparable = (log: readonly string[]): string[] =>
  log.filter((line) => /^(started|exited) /.test(line)).map((line) => line.replace(/ escalated$/, ' shutdown'))
