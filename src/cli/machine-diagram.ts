import type { Edge } from './machine-walk.ts'

/**
 * A machine as a state diagram of Mermaid (https://mermaid.js.org).
 * @param now a state that stands out
 */
export const mermaid = <State extends string, Context>(initial: State, edges: readonly Edge<State, Context>[], now?: string): string => {
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
    ...(now === undefined ? [] : ['  classDef now fill:#ffd54f,stroke:#333333,stroke-width:3px,color:#000000', `  class ${now} now`]),
  ].join('\n')
}
