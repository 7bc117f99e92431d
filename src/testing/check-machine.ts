import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import { isSignalboxError } from '../protocols/errors.ts'
import { type Machine, machine as wrap, type Snapshot } from '../protocols/machine.ts'
import { edgeOf, edgesOf, isAcknowledged, isFinal } from './machine-edges.ts'
import { type CheckReport, messageOf } from './report.ts'

type Transition<State extends string, Context, Event> = {
  readonly from: Snapshot<State, Context>
  readonly event: Event
  readonly actions: readonly string[]
}

export type MachineChecks<State extends string, Context, Event extends { type: string }> = {
  /** Every event with every payload that makes a difference. */
  readonly events: readonly Event[]
  /** Must hold in each reached state; `by` is the transition that led there, null at the start. */
  readonly invariants?: Readonly<
    Record<string, (snapshot: Snapshot<State, Context>, by: Transition<State, Context, Event> | null) => boolean>
  >
  /** Which events a state takes, written by hand: it takes each of them at least once, and never another. @defaultValue what the machine says of itself */
  readonly accepts?: Readonly<Record<State, readonly Event['type'][]>>
  /** Where a context can grow for ever: how far to look. What lies outside is reached, but not left. @defaultValue everywhere */
  readonly within?: (snapshot: Snapshot<State, Context>) => boolean
  /** Most transitions that are tried. @defaultValue 100,000 */
  readonly limit?: number
}

/** How much of a machine was reached. Edges are written `state –event→ next`. */
export type Coverage = { readonly reached: readonly string[]; readonly missing: readonly string[] }
export type MachineReport = CheckReport & { readonly states: Coverage; readonly edges: Coverage }

const LIMIT = 100_000
const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T
const isMachine = (value: object): value is Machine<string, unknown, { type: string }> => 'advance' in value && 'definition' in value
const coverage = (all: Iterable<string>, reached: ReadonlySet<string>): Coverage => ({
  reached: [...reached],
  missing: [...new Set(all)].filter((one) => !reached.has(one)),
})

/** Looks at one machine; collects what it finds. */
class MachineCheck<State extends string, Context, Event extends { type: string }> {
  readonly problems: string[] = []
  readonly states = new Set<string>()
  readonly edges = new Set<string>()
  private readonly taken = new Set<string>()
  private readonly machine: Machine<State, Context, Event>
  private readonly checks: MachineChecks<State, Context, Event>

  constructor(machine: Machine<State, Context, Event>, checks: MachineChecks<State, Context, Event>) {
    this.machine = machine
    this.checks = checks
  }

  run(): MachineReport {
    const { definition, initial } = this.machine
    this.holds(initial, null, 'at the start')
    const reachable = this.reachable()
    for (const { snapshot, path } of reachable) {
      this.states.add(snapshot.state)
      for (const event of this.checks.events) this.try(snapshot, event, path === '' ? 'at the start' : `after ${path}`)
    }
    const states = coverage(Object.keys(definition.root.states), this.states)
    const edges = coverage(edgesOf(definition), this.edges)
    if (reachable.length === 0) return { ok: false, problems: this.problems, states, edges }
    for (const state of states.missing) this.problems.push(`state "${state}" is not reached`)
    for (const edge of edges.missing) this.problems.push(`not taken: ${edge}`)
    this.compareWithTable()
    return { ok: this.problems.length === 0, problems: this.problems, states, edges }
  }

  /** Every snapshot that the definition can reach, each with the shortest way to it. */
  private reachable(): { snapshot: Snapshot<State, Context>; path: string }[] {
    const { within = () => true, limit = LIMIT, events } = this.checks
    const plain = ({ value, context }: AnyMachineSnapshot): Snapshot<State, Context> => ({
      state: value as State,
      context: context as Context,
    })
    try {
      const paths = getShortestPaths(this.machine.definition, {
        events: [...events],
        limit,
        serializeState: (snapshot: AnyMachineSnapshot) => JSON.stringify(plain(snapshot)),
        // What follows a broken invariant is no news, and may never end.
        stopWhen: (snapshot: AnyMachineSnapshot) => !within(plain(snapshot)) || this.broken(plain(snapshot), null).length > 0,
      })
      return paths.map(({ state, steps }) => ({
        snapshot: plain(state as AnyMachineSnapshot),
        path: steps
          .slice(1)
          .map(({ event }) => (event as Event).type)
          .join(', '),
      }))
    } catch (error) {
      this.problems.push(`gave up: ${messageOf(error)}; bound it with \`within\`, or raise \`limit\``)
      return []
    }
  }

  private try(from: Snapshot<State, Context>, event: Event, where: string): void {
    const before = JSON.stringify(from)
    const what = `${where}: ${JSON.stringify(event)} in ${before}`
    const can = this.machine.can(from, event)
    if (this.machine.can(copyOf(from), event) !== can)
      this.problems.push(`${what}: a stored snapshot is not as good as the one it came from`)
    const outcome = this.advance(from, event)
    if (JSON.stringify(from) !== before) this.problems.push(`${what}: the snapshot was changed in place`)
    if (!can) return this.refused(outcome, from, event, what)
    if ('error' in outcome) return void this.problems.push(`${what}: \`can\` says yes, but it throws: ${messageOf(outcome.error)}`)
    const { definition } = this.machine
    if (isFinal(definition, from.state) && !isAcknowledged(definition, from.state, event.type))
      this.problems.push(`${what}: taken, though the state is final`)
    if (this.checks.accepts !== undefined && !this.checks.accepts[from.state].includes(event.type))
      this.problems.push(`${what}: taken, though the table does not allow it`)
    if (JSON.stringify(this.advance(copyOf(from), event)) !== JSON.stringify(outcome)) this.problems.push(`${what}: not the same twice`)
    this.taken.add(`${from.state} ${event.type}`)
    this.edges.add(edgeOf(definition, from, event))
    this.states.add(outcome.next.state)
    this.holds(outcome.next, { from, event, actions: outcome.actions }, what)
  }

  private advance(
    from: Snapshot<State, Context>,
    event: Event,
  ): ReturnType<Machine<State, Context, Event>['advance']> | { error: unknown } {
    try {
      return this.machine.advance(from, event)
    } catch (error) {
      return { error }
    }
  }

  private refused(outcome: object, from: Snapshot<State, Context>, event: Event, what: string): void {
    const error = 'error' in outcome ? outcome.error : undefined
    const isRight =
      isSignalboxError(error) &&
      error.code.endsWith('_INVALID_TRANSITION') &&
      error.context['state'] === from.state &&
      error.context['event'] === event.type
    if (!isRight) this.problems.push(`${what}: not refused with an INVALID_TRANSITION that names state and event`)
  }

  private broken(snapshot: Snapshot<State, Context>, by: Transition<State, Context, Event> | null): string[] {
    return Object.entries(this.checks.invariants ?? {}).flatMap(([name, invariant]) => (invariant(snapshot, by) ? [] : [name]))
  }

  private holds(snapshot: Snapshot<State, Context>, by: Transition<State, Context, Event> | null, what: string): void {
    for (const name of this.broken(snapshot, by)) {
      this.problems.push(`${what}: leads to ${JSON.stringify(snapshot)}, where "${name}" does not hold`)
    }
  }

  private compareWithTable(): void {
    for (const [state, types] of Object.entries<readonly string[]>(this.checks.accepts ?? {})) {
      for (const type of types) if (!this.taken.has(`${state} ${type}`)) this.problems.push(`state "${state}" never takes "${type}"`)
    }
  }
}

/**
 * Walks a state machine through every state and edge that its events can reach (`xstate/graph`), and checks at each step:
 * the invariants; that what it cannot take is refused, and nothing else; that a snapshot is never changed in place, and a
 * stored one is as good. A state or edge that is not reached is a problem too.
 * @param machine one of ours, or an XState machine whose states are flat
 * @example expect(checkMachine(doorMachine, { events: [{ type: 'open' }, { type: 'shut' }] }).problems).toEqual([])
 */
export const checkMachine = <State extends string, Context, Event extends { type: string }>(
  machine: Machine<State, Context, Event> | AnyStateMachine,
  checks: MachineChecks<State, Context, Event>,
): MachineReport => {
  const ours = isMachine(machine)
    ? (machine as Machine<State, Context, Event>)
    : wrap<State, Context, Event>(machine, 'ERR_MACHINE_INVALID_TRANSITION')
  return new MachineCheck(ours, checks).run()
}
