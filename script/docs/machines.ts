import { mermaid } from '../../src/cli/machine-diagram.ts'
import { type Edge, LANE, PTY, type Subject, walk } from '../../src/cli/machine-walk.ts'
import { generatedFrom, table } from './markdown.ts'

const key = (value: unknown): string => JSON.stringify(value)

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

const section = <State extends string, Context extends object, Event extends { type: string }>(
  title: string,
  about: string,
  subject: Subject<State, Context, Event>,
): string => {
  const edges = walk(subject)
  const states = Object.keys(subject.machine.definition.states)
  const labels = [...new Set(edges.map((edge) => edge.label))]
  const rows = labels.map((label) => [
    `\`${label}\``,
    ...states.map((state) => cellOf(edges.filter((edge) => edge.label === label && edge.from.state === state))),
  ])
  return `## ${title}

${about}

\`\`\`mermaid
${mermaid(subject.machine.initial.state, edges)}
\`\`\`

${table(['event', ...states], rows)}`
}

export const machinesPage = (): string => `${generatedFrom('src/protocols/*.machine.ts, by walking the machines')}

# State machines

A cell says what a state does with an event: the **state** that follows, or \`stays\`; after a slash the actions that the actor performs. Several lines in a cell are cases, with the context that decides. \`refused\`: the machine throws its invalid-transition error with state, event and ids, and nothing changes.

${section(
  'PTY',
  'One process behind a terminal (PTY-1). `stopping` is set by terminate; from then on any exit counts as stopped. Invalid: `ERR_PTY_INVALID_TRANSITION`.',
  PTY,
)}

${section(
  'Lane',
  'A worktree with everything that runs in it (LN-1). `attached` counts agents and people and is shown up to 3, since more behave as 3 do; `running` says whether commands run. A second cleanup `stays`: it is acknowledged and does nothing (LN-3). Invalid: `ERR_LANE_INVALID_TRANSITION`.',
  LANE,
)}
`
