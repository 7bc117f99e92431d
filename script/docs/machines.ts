import { type LaneContext, type LaneEvent, laneMachine, type LaneState } from '../../src/protocols/lane.machine.ts'
import type { Machine, Snapshot } from '../../src/protocols/machine.ts'
import { type PtyContext, type PtyEvent, ptyMachine, type PtyState } from '../../src/protocols/pty.machine.ts'
import { generatedFrom, table } from './markdown.ts'

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

type Subject<State extends string, Context, Event extends { type: string }> = {
  readonly title: string
  readonly about: string
  readonly machine: Machine<State, Context, Event>
  readonly examples: Examples<Event>
  /** Stops the walk where contexts only repeat themselves with larger numbers. */
  readonly within: (context: Context) => boolean
}

type Edge<State extends string, Context> = {
  readonly from: Snapshot<State, Context>
  readonly label: string
  /** What happens, in words; null when refused. */
  readonly to: State | null
  readonly actions: readonly string[]
}

const key = (value: unknown): string => JSON.stringify(value)

/** Walks the machine itself from its initial state, so that the page shows what it does and not what was meant. */
const walk = <State extends string, Context, Event extends { type: string }>(
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

const effect = <State extends string, Context>({ from, to, actions }: Edge<State, Context>): string => {
  if (to === null) return 'refused'
  const done = actions.length > 0 ? ` / ${actions.join(', ')}` : ''
  return `${to === from.state ? 'stays' : `**${to}**`}${done}`
}

/** The fields of the context that decide between different effects: one if one suffices. */
const deciding = <State extends string, Context extends object>(edges: readonly Edge<State, Context>[]): readonly (keyof Context)[] => {
  const fields = Object.keys(edges[0]?.from.context ?? {}) as (keyof Context)[]
  const decides = (field: keyof Context): boolean =>
    edges.every((one) =>
      edges.every((other) => key(one.from.context[field]) !== key(other.from.context[field]) || effect(one) === effect(other)),
    )
  const single = fields.find(decides)
  return single === undefined ? fields : [single]
}

const conditionOf = <Context extends object>(fields: readonly (keyof Context)[], contexts: readonly Context[]): string => {
  const [only] = fields
  if (fields.length === 1 && only !== undefined) {
    return `${String(only)} ${[...new Set(contexts.map((context) => String(context[only])))].sort().join(' or ')}`
  }
  return contexts.map((context) => fields.map((field) => `${String(field)} ${String(context[field])}`).join(', ')).join('; ')
}

const cellOf = <State extends string, Context extends object>(edges: readonly Edge<State, Context>[]): string => {
  const effects = [...new Set(edges.map(effect))]
  if (effects.length <= 1) return effects[0] ?? 'never'
  const fields = deciding(edges)
  const cases = effects.map((text) => {
    const contexts = edges.filter((edge) => effect(edge) === text).map((edge) => edge.from.context)
    return `${text} (${conditionOf(fields, contexts)})`
  })
  return cases.join('<br>')
}

const diagram = <State extends string, Context>(initial: State, edges: readonly Edge<State, Context>[]): string => {
  const labels = new Map<string, Set<string>>()
  const leaves = new Set<string>()
  for (const { from, to, label, actions } of edges) {
    if (to === null || (to === from.state && actions.length === 0)) continue
    leaves.add(from.state)
    const arrow = `${from.state} --> ${to}`
    labels.set(arrow, (labels.get(arrow) ?? new Set()).add(label))
  }
  const states = new Set(edges.map((edge) => edge.from.state))
  return [
    'stateDiagram-v2',
    `  [*] --> ${initial}`,
    ...[...labels].map(([arrow, names]) => `  ${arrow}: ${[...names].join(', ')}`),
    ...[...states].filter((state) => !leaves.has(state)).map((state) => `  ${state} --> [*]`),
  ].join('\n')
}

const section = <State extends string, Context extends object, Event extends { type: string }>(
  subject: Subject<State, Context, Event>,
): string => {
  const edges = walk(subject)
  const states = Object.keys(subject.machine.definition.states)
  const labels = [...new Set(edges.map((edge) => edge.label))]
  const rows = labels.map((label) => [
    `\`${label}\``,
    ...states.map((state) => cellOf(edges.filter((edge) => edge.label === label && edge.from.state === state))),
  ])
  return `## ${subject.title}

${subject.about}

\`\`\`mermaid
${diagram(subject.machine.initial.state, edges)}
\`\`\`

${table(['event', ...states], rows)}`
}

export const machinesPage = (): string => `${generatedFrom('src/protocols/*.machine.ts, by walking the machines')}

# State machines

A cell says what a state does with an event: the **state** that follows, or \`stays\`; after a slash the actions that the actor performs. Several lines in a cell are cases, with the context that decides. \`refused\`: the machine throws its invalid-transition error with state, event and ids, and nothing changes.

${section<PtyState, PtyContext, PtyEvent>({
  title: 'PTY',
  about:
    'One process behind a terminal (PTY-1). `stopping` is set by terminate; from then on any exit counts as stopped. Invalid: `ERR_PTY_INVALID_TRANSITION`.',
  machine: ptyMachine,
  examples: ptyEvents,
  within: () => true,
})}

${section<LaneState, LaneContext, LaneEvent>({
  title: 'Lane',
  about:
    'A worktree with everything that runs in it (LN-1). `attached` counts agents and people and is shown up to 3, since more behave as 3 do; `running` says whether commands run. A second cleanup `stays`: it is acknowledged and does nothing (LN-3). Invalid: `ERR_LANE_INVALID_TRANSITION`.',
  machine: laneMachine,
  examples: laneEvents,
  within: (context) => context.attached <= 3,
})}
`
