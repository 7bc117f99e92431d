import type { RestartType } from '../protocols/plan.ts'
import type { ChildSpec, SupervisorSpec } from '../kernel/child-spec.ts'

/** What happens to the workers of a tree, one thing after another, each of them to its end. */
export type CrashStep = { readonly do: 'crash' | 'exit'; readonly child: string } | { readonly do: 'advance'; readonly ms: number }

export type CrashScript = {
  readonly seed: number
  readonly steps: readonly CrashStep[]
  /** Which starts of a worker fail, counted from 1; never the first. */
  readonly fails: Readonly<Record<string, readonly number[]>>
}

type Node = { readonly spec: ChildSpec; up: boolean; running: Running | null }
type Running = { readonly spec: SupervisorSpec; readonly parent: Running | null; readonly own: Node; children: Node[]; restarts: number[] }

const restartOf = ({ restart }: ChildSpec): RestartType => restart ?? 'permanent'
const endOf = ({ shutdown }: ChildSpec): string => (shutdown === 'brutal' ? 'killed' : 'shutdown')

/**
 * Erlang/OTP's supervisor, written again from `supervisor.erl` and nothing of ours: `handle_info('EXIT')` →
 * `restart_child` → `do_restart` → `add_restart` → `restart(Strategy)`, with `try_again` on a failed start, and
 * `do_auto_shutdown`. A tree of them, in which everything takes no time. One thing is not OTP's: a supervisor that gave up
 * has not ended cleanly, so that a transient one is started again (docs/reference/otp.md).
 */
class SupervisorModel {
  readonly log: string[] = []
  private readonly script: CrashScript
  private readonly incarnations = new Map<string, number>()
  private readonly starts = new Map<string, number>()
  private now = 0

  constructor(script: CrashScript) {
    this.script = script
  }

  run(spec: SupervisorSpec): readonly string[] {
    const root: Node = { spec, up: false, running: null }
    if (!this.start(root, null)) return this.log
    for (const step of this.script.steps) {
      if (step.do === 'advance') this.now += step.ms
      else this.happen(root, step)
    }
    if (root.up) this.terminate(root)
    return this.log
  }

  private happen(root: Node, { do: what, child }: Exclude<CrashStep, { do: 'advance' }>): void {
    const found = root.running === null ? null : this.find(root.running, child)
    if (found === null) return
    found.node.up = false
    this.exited(found.at, found.node, what === 'crash' ? 'crashed' : 'normal')
  }

  private find(at: Running, name: string): { at: Running; node: Node } | null {
    for (const node of at.children) {
      if (node.spec.name === name && node.up && node.spec.type === 'worker') return { at, node }
      const below = node.running === null ? null : this.find(node.running, name)
      if (below !== null) return below
    }
    return null
  }

  private idOf(node: Node): string {
    return `${node.spec.name}$${this.incarnations.get(node.spec.name) ?? 0}`
  }

  private start(node: Node, parent: Running | null): boolean {
    const { spec } = node
    const count = (this.starts.get(spec.name) ?? 0) + 1
    this.starts.set(spec.name, count)
    this.incarnations.set(spec.name, (this.incarnations.get(spec.name) ?? 0) + 1)
    const works = spec.type === 'worker' ? this.script.fails[spec.name]?.includes(count) !== true : this.startAll(node, spec, parent)
    this.log.push(works ? `started ${this.idOf(node)}` : `exited ${this.idOf(node)} init_failed`)
    node.up = works
    return works
  }

  private startAll(own: Node, spec: SupervisorSpec, parent: Running | null): boolean {
    const running: Running = { spec, parent, own, children: [], restarts: [] }
    for (const child of spec.children ?? []) {
      const node: Node = { spec: child, up: false, running: null }
      if (!this.start(node, running)) {
        this.terminateAll(running.children)
        return false
      }
      running.children.push(node)
    }
    own.running = running
    return true
  }

  private terminate(node: Node): void {
    if (!node.up) return
    if (node.running !== null) this.terminateAll(node.running.children)
    this.log.push(`exited ${this.idOf(node)} ${endOf(node.spec)}`)
    node.up = false
    node.running = null
  }

  private terminateAll(nodes: readonly Node[]): void {
    for (const node of nodes.toReversed()) this.terminate(node)
  }

  private exited(at: Running, node: Node, reason: 'crashed' | 'normal' | 'shutdown' | 'escalated'): void {
    this.log.push(`exited ${this.idOf(node)} ${reason}`)
    const type = restartOf(node.spec)
    const isClean = reason === 'normal' || reason === 'shutdown'
    if (type === 'permanent' || (type === 'transient' && !isClean)) return this.restart(at, node)
    const ends = this.autoShutdown(at, node)
    this.decide(at, ends ? 'auto-shutdown' : 'remove', node, this.within(at).length)
    if (type === 'temporary') at.children = at.children.filter((one) => one !== node)
    if (ends) this.end(at, 'shutdown')
  }

  private autoShutdown({ spec: { autoShutdown = 'never' }, children }: Running, node: Node): boolean {
    if (node.spec.significant !== true || autoShutdown === 'never') return false
    return autoShutdown === 'any_significant' || !children.some((one) => one !== node && one.spec.significant === true && one.up)
  }

  /** A supervisor ends by itself: its parent is told. */
  private end(at: Running, reason: 'shutdown' | 'escalated'): void {
    this.terminateAll(at.children)
    at.own.up = false
    at.own.running = null
    if (at.parent === null) this.log.push(`exited ${this.idOf(at.own)} ${reason}`)
    else this.exited(at.parent, at.own, reason)
  }

  private within({ spec, restarts }: Running): number[] {
    return restarts.filter((then) => this.now <= then + (spec.intensity?.withinMs ?? 5_000))
  }

  private decide(at: Running, decision: string, node: Node, restarts: number): void {
    this.log.push(`${at.spec.name}: ${decision} ${node.spec.name}, restarts ${restarts}`)
  }

  private restart(at: Running, node: Node): void {
    for (let failed: Node | null = node; failed !== null; failed = this.startAgain(at, failed)) {
      at.restarts = [this.now, ...at.restarts]
      at.restarts = this.within(at)
      const isAllowed = at.restarts.length <= (at.spec.intensity?.restarts ?? 1)
      this.decide(at, isAllowed ? 'restart' : 'escalate', failed, at.restarts.length)
      if (!isAllowed) return this.end(at, 'escalated')
    }
  }

  /** @returns the child that did not start */
  private startAgain(at: Running, node: Node): Node | null {
    const strategy: string = at.spec.strategy
    if (strategy === 'one_for_one' || strategy === 'dynamic') return this.start(node, at) ? null : node
    const first = strategy === 'one_for_all' ? 0 : at.children.indexOf(node)
    const group = at.children.slice(first)
    this.terminateAll(group)
    const again = group.filter((one) => one === node || restartOf(one.spec) !== 'temporary')
    at.children = [...at.children.slice(0, first), ...again]
    for (const one of again) if (!this.start(one, at)) return one
    return null
  }
}

/** @returns what OTP's supervisors would do: starts, ends, decisions */
export const expectedLog = (spec: SupervisorSpec, script: CrashScript): readonly string[] => new SupervisorModel(script).run(spec)
