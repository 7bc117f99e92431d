import type { ProcessSample, Waiting } from '../ports/process-table.port.ts'
import type { PtyCondition } from '../protocols/health.ts'

/** CPU times are told in steps of so much; one step may be rounding. */
const TICK_MS = 10
/** A smaller share of a core counts as none: timers of programs that wait. */
const LEAST_SHARE = 0.002
/** It is taken over so long, so that it does not depend on how often somebody looks. */
const SHARE_OVER_MS = 5_000
/** Over less, what is shown as percent would be rounding. */
const PERCENT_OVER_MS = 1_000

type Tree = readonly ProcessSample[]

const keyOf = ({ pid, startTime, bootId }: ProcessSample): string => `${pid} ${startTime} ${bootId}`
const allOf = ({ cpuMs, childrenCpuMs }: ProcessSample): number => cpuMs + childrenCpuMs
const sum = (tree: Tree, of: (one: ProcessSample) => number): number => tree.reduce((total, one) => total + of(one), 0)

/** What those used who ended below a process and whom it waited for, beyond what was seen of them before. */
const spentByEnded = (grownMs: number, pid: number, ended: Tree): number => {
  const children = ended.filter(({ ppid }) => ppid === pid)
  const below = [...children]
  for (const one of below) below.push(...ended.filter(({ ppid }) => ppid === one.pid))
  // Those further down are in it only where their parents waited for them in turn.
  const [all, direct] = [sum(below, allOf), sum(children, allOf)]
  return Math.max(0, grownMs >= all ? grownMs - all : grownMs - direct)
}

/**
 * CPU time that a tree used between two looks: of those that live, and of those that ended and were waited for, whose times
 * their parents have. Who is waited for by nobody takes his times along.
 */
export const cpuSpent = (before: Tree, now: Tree): number => {
  const known = new Map(before.map((one) => [keyOf(one), one]))
  const living = new Set(now.map(keyOf))
  const ended = before.filter((one) => !living.has(keyOf(one)))
  return sum(now, (one) => {
    const last = known.get(keyOf(one))
    if (last === undefined) return allOf(one)
    const grownMs = one.childrenCpuMs - last.childrenCpuMs
    return Math.max(0, one.cpuMs - last.cpuMs) + (grownMs > 0 ? spentByEnded(grownMs, one.pid, ended) : 0)
  })
}

/** Memory of a tree: what each has for itself, and once what they may share. */
export const memoryOf = (tree: Tree): number =>
  sum(tree, ({ rssBytes, sharedBytes }) => rssBytes - sharedBytes) + Math.max(0, ...tree.map(({ sharedBytes }) => sharedBytes))

/** What one look found of a terminal. Times monotonic, in ms. */
export type Observation = {
  readonly at: number
  readonly outputBytes: number
  readonly inputBytes: number
  /** Null where processes cannot be seen. */
  readonly tree: Tree | null
}

/** What is remembered of a terminal from look to look. */
export type Quiet = {
  readonly last: Observation
  /** When it put something out, was given something, used CPU last; when it was first looked at, where it never did. */
  readonly since: { readonly output: number; readonly input: number; readonly cpu: number }
  /** CPU time used since a moment: for whether it was any worth mentioning, and for what is shown. */
  readonly worth: Spent
  readonly shown: Spent & { readonly percent: number | null }
  readonly isThrottled: boolean
}
type Spent = { readonly from: number; readonly ms: number }

export const firstLook = (seen: Observation, isThrottled: boolean): Quiet => ({
  last: seen,
  since: { output: seen.at, input: seen.at, cpu: seen.at },
  worth: { from: seen.at, ms: 0 },
  shown: { from: seen.at, ms: 0, percent: null },
  isThrottled,
})

/** How long it has been idle, by all three. */
export const idleMs = ({ since, last }: Quiet): number => last.at - Math.max(since.output, since.input, since.cpu)

/** What showed that it is active, if anything did. */
export type Sign = 'output' | 'input' | 'cpu'

export type Observed = {
  readonly quiet: Quiet
  readonly signs: readonly Sign[]
  /** Which event its machine is due, if any. */
  readonly verdict: 'idle' | 'activity' | null
}

const isWorthMentioning = ({ from, ms }: Spent, at: number): boolean => ms > TICK_MS + LEAST_SHARE * (at - from)

/** Begins anew once it has told what it can. */
const worthOf = ({ from, ms }: Spent, at: number, isSign: boolean): Spent =>
  isSign || at - from >= SHARE_OVER_MS ? { from: at, ms: 0 } : { from, ms }

const shownOf = ({ from, ms, percent }: Quiet['shown'], at: number, spentMs: number): Quiet['shown'] =>
  at - from < PERCENT_OVER_MS
    ? { from, ms: ms + spentMs, percent }
    : { from: at, ms: 0, percent: Math.round((1_000 * (ms + spentMs)) / (at - from)) / 10 }

/**
 * Takes one more look in.
 * @param idleAfterMs - 0: it never counts as idle
 */
export const observe = (before: Quiet, seen: Observation, idleAfterMs: number): Observed => {
  const { last } = before
  const { at } = seen
  // What was not seen for once has the times of before: its whole life was not spent since.
  const isSeen = seen.tree !== null && seen.tree.length > 0
  const spentMs = last.tree === null || last.tree.length === 0 || !isSeen ? 0 : cpuSpent(last.tree, seen.tree)
  const worth = { from: before.worth.from, ms: before.worth.ms + spentMs }
  const signs: Sign[] = []
  if (seen.outputBytes !== last.outputBytes) signs.push('output')
  if (seen.inputBytes !== last.inputBytes) signs.push('input')
  if (isWorthMentioning(worth, at)) signs.push('cpu')
  const since = { ...before.since }
  for (const sign of signs) since[sign] = at
  const quiet: Quiet = {
    last: { ...seen, tree: isSeen ? seen.tree : last.tree },
    since,
    worth: worthOf(worth, at, signs.includes('cpu')),
    shown: shownOf(before.shown, at, spentMs),
    isThrottled: before.isThrottled,
  }
  // Without a view of its processes nobody knows whether it computes.
  const isIdle = idleAfterMs > 0 && isSeen && idleMs(quiet) >= idleAfterMs
  const verdict = before.isThrottled ? (signs.length > 0 ? 'activity' : null) : isIdle ? 'idle' : null
  return { quiet: verdict === null ? quiet : { ...quiet, isThrottled: verdict === 'idle' }, signs, verdict }
}

/** What its condition is concluded from. */
export type Scene = {
  readonly leader: number
  /** Null where processes cannot be seen. */
  readonly tree: Tree | null
  /** Null where the platform does not tell, or nobody asked. */
  readonly waiting: Waiting | null
  readonly signs: readonly Sign[]
}

const SHELLS = /^-?(?:ba|da|z|fi|k|mk|a|tc|c|nu|xon)?sh$|^-?(?:nu|elvish|pwsh)$/u
/** Options of shells that the next word belongs to. */
const WITH_VALUE: ReadonlySet<string> = new Set(['--rcfile', '--init-file', '-o', '+o', '-O', '+O'])

const nameOf = ({ argv: [first = ''] }: ProcessSample): string => first.slice(first.lastIndexOf('/') + 1)

/** A shell that was given neither a command nor a script: what it waits for is the next command. */
export const isInteractiveShell = (argv: readonly string[]): boolean => {
  const [first = '', ...rest] = argv
  if (!SHELLS.test(first.slice(first.lastIndexOf('/') + 1))) return false
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? ''
    if (!/^[-+]./u.test(word) || word === '--command' || /^-[a-z]*c[a-z]*$/iu.test(word)) return false
    if (WITH_VALUE.has(word)) at += 1
  }
  return true
}

const named = (one: ProcessSample): string => `${nameOf(one)} (${one.pid})`

const SIGNS: Readonly<Record<Sign, string>> = { output: 'put something out', input: 'was given input', cpu: 'used CPU' }

export type Conclusion = { readonly condition: PtyCondition; readonly evidence: string }

/** @returns what a terminal does, from what was seen of it; `unknown` rather than a guess. */
export const conclude = ({ leader, tree, waiting, signs }: Scene): Conclusion => {
  const is = (condition: PtyCondition, evidence: string): Conclusion => ({ condition, evidence })
  const active = signs.length === 0 ? null : `it ${signs.map((sign) => SIGNS[sign]).join(' and ')} since the look before`
  if (tree === null) return active === null ? is('unknown', 'processes cannot be seen here') : is('busy', active)
  const first = tree.find(({ pid }) => pid === leader)
  if (first === undefined) return is('unknown', `process ${leader} has ended`)
  if (first.state === 'Z') return is('zombie', `${named(first)} has ended, and nobody has waited for it`)
  const group = first.foreground ?? first.pgid
  const front = tree.filter(({ pgid, state }) => pgid === group && state !== 'Z')
  const speaks = front.find(({ pid }) => pid === group) ?? front[0] ?? first
  const isStopped = ({ state }: ProcessSample): boolean => state === 'T' || state === 't'
  const stopped = isStopped(first) ? first : front.length > 0 && front.every(isStopped) ? speaks : undefined
  if (stopped !== undefined)
    return is('stopped', `${named(stopped)} is stopped by a ${stopped.state === 't' ? 'debugger' : 'signal'}; SIGCONT lets it go on`)
  const stuck = front.find(({ state }) => state === 'D')
  if (stuck !== undefined && active === null)
    return is('uninterruptible', `${named(stuck)} waits within the kernel, where no signal reaches it`)
  if (waiting === 'output') return is('blocked-on-output', `${named(speaks)} is blocked in a write to its terminal`)
  if (waiting === 'input' || waiting === 'prompt') {
    if (speaks.pid === group && isInteractiveShell(speaks.argv)) return is('at-prompt', `${named(speaks)} waits for a command`)
    const how = waiting === 'input' ? 'is blocked in a read of its terminal' : 'waits until its terminal can be read'
    return is('waiting-for-input', `${named(speaks)} ${how}`)
  }
  if (active !== null) return is('busy', active)
  const quiet = `${named(speaks)} neither used CPU nor put anything out since the look before`
  if (waiting === 'listening') return is('idle', `${quiet}; it listens to its terminal among other things`)
  if (waiting === 'unknown') return is('unknown', `${quiet}; what it waits for cannot be seen`)
  return is('idle', quiet)
}
