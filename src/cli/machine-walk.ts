import { type LaneContext, type LaneEvent, laneMachine, type LaneState } from '../protocols/lane.machine.ts'
import type { Machine, Snapshot } from '../protocols/machine.ts'
import { type PtyContext, type PtyEvent, ptyMachine, type PtyState } from '../protocols/pty.machine.ts'

/** Every event of a machine, with one example of each kind that a guard tells apart. */
type Examples<Event extends { type: string }> = Readonly<
  Record<Event['type'], readonly { readonly label: string; readonly event: Event }[]>
>

const plain = <Type extends string>(type: Type): readonly [{ label: Type; event: { type: Type } }] => [{ label: type, event: { type } }]

const laneEvents: Examples<LaneEvent> = {
  provision: plain('provision'),
  provisioned: plain('provisioned'),
  'provision-failed': plain('provision-failed'),
  started: plain('started'),
  settled: plain('settled'),
  block: plain('block'),
  unblock: plain('unblock'),
  attach: plain('attach'),
  detach: plain('detach'),
  cleanup: plain('cleanup'),
  cleaned: plain('cleaned'),
  'cleanup-failed': plain('cleanup-failed'),
}

const ptyEvents: Examples<PtyEvent> = {
  spawn: plain('spawn'),
  spawned: plain('spawned'),
  'spawn-failed': plain('spawn-failed'),
  idle: plain('idle'),
  activity: plain('activity'),
  terminate: plain('terminate'),
  exited: [
    { label: 'exited (clean)', event: { type: 'exited', clean: true } },
    { label: 'exited (not clean)', event: { type: 'exited', clean: false } },
  ],
  lost: plain('lost'),
  dispose: plain('dispose'),
}

/** A machine, and what is needed to walk it. */
export type Subject<State extends string, Context, Event extends { type: string }> = {
  readonly machine: Machine<State, Context, Event>
  readonly examples: Examples<Event>
  /** Stops the walk where contexts only repeat themselves with larger numbers. */
  readonly within: (context: Context) => boolean
}

/** What a state does with an event. */
export type Edge<State extends string, Context> = {
  readonly from: Snapshot<State, Context>
  readonly label: string
  /** Null when refused. */
  readonly to: State | null
  readonly actions: readonly string[]
}

const key = (value: unknown): string => JSON.stringify(value)

/** Walks the machine itself from its initial state, so that the page shows what it does and not what was meant. */
export const walk = <State extends string, Context, Event extends { type: string }>(
  subject: Subject<State, Context, Event>,
): readonly Edge<State, Context>[] => {
  const { machine, within } = subject
  const examples = Object.values<Examples<Event>[Event['type']]>(subject.examples).flat()
  const found = new Map([[key(machine.initial), machine.initial]])
  const edges: Edge<State, Context>[] = []
  for (const from of found.values()) {
    for (const { label, event } of examples) {
      if (!machine.can(from, event)) {
        edges.push({ from, label, to: null, actions: [] })
        continue
      }
      const { next, actions } = machine.advance(from, event)
      edges.push({ from, label, to: next.state, actions })
      if (within(next.context) && !found.has(key(next))) found.set(key(next), next)
    }
  }
  return edges
}

export const LANE: Subject<LaneState, LaneContext, LaneEvent> = {
  machine: laneMachine,
  examples: laneEvents,
  within: ({ attached }) => attached <= 3,
}
export const PTY: Subject<PtyState, PtyContext, PtyEvent> = { machine: ptyMachine, examples: ptyEvents, within: () => true }

/** What a state does with an event, whatever its context: the states that may follow, and the actions. */
export type Move = { readonly from: string; readonly event: string; readonly to: readonly string[]; readonly actions: readonly string[] }

/** A machine as a graph: `states` in the order of its definition. */
export type Graph = {
  readonly initial: string
  readonly states: readonly string[]
  readonly edges: readonly Edge<string, unknown>[]
  readonly moves: readonly Move[]
}

const movesOf = (edges: readonly Edge<string, unknown>[]): readonly Move[] => {
  const moves = new Map<string, { to: Set<string>; actions: Set<string>; from: string; event: string }>()
  for (const { from, label: event, to, actions } of edges) {
    if (to === null) continue
    const at = key([from.state, event])
    const move = moves.get(at) ?? { from: from.state, event, to: new Set(), actions: new Set() }
    move.to.add(to)
    for (const action of actions) move.actions.add(action)
    moves.set(at, move)
  }
  return [...moves.values()].map((move) => ({ ...move, to: [...move.to], actions: [...move.actions] }))
}

export const graphOf = <State extends string, Context, Event extends { type: string }>(subject: Subject<State, Context, Event>): Graph => {
  const edges: readonly Edge<string, unknown>[] = walk(subject)
  const { initial, definition } = subject.machine
  return { initial: initial.state, states: Object.keys(definition.root.states), edges, moves: movesOf(edges) }
}
