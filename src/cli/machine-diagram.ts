import type { Edge } from './machine-walk.ts'

type Arrows = {
  /** By from and to, the events that lead there. */
  readonly arrows: readonly { readonly from: string; readonly to: string; readonly events: readonly string[] }[]
  /** States that nothing leaves. */
  readonly final: readonly string[]
}

const arrowsOf = <State extends string, Context>(edges: readonly Edge<State, Context>[]): Arrows => {
  const arrows = new Map<string, { from: string; to: string; events: string[] }>()
  for (const { from, to, label, actions } of edges) {
    if (to === null || (to === from.state && actions.length === 0)) continue
    const arrow = arrows.get(`${from.state} ${to}`) ?? { from: from.state, to, events: [] }
    if (!arrow.events.includes(label)) arrow.events.push(label)
    arrows.set(`${from.state} ${to}`, arrow)
  }
  const all = [...arrows.values()]
  const states = new Set(edges.map((edge) => edge.from.state))
  return { arrows: all, final: [...states].filter((state) => !all.some(({ from }) => from === state)) }
}

/**
 * A machine as a state diagram of Mermaid (https://mermaid.js.org).
 * @param now a state that stands out
 */
export const mermaid = <State extends string, Context>(initial: State, edges: readonly Edge<State, Context>[], now?: string): string => {
  const { arrows, final } = arrowsOf(edges)
  return [
    'stateDiagram-v2',
    `  [*] --> ${initial}`,
    ...arrows.map(({ from, to, events }) => `  ${from} --> ${to}: ${events.join(', ')}`),
    ...final.map((state) => `  ${state} --> [*]`),
    ...(now === undefined ? [] : ['  classDef now fill:#ffd54f,stroke:#333333,stroke-width:3px,color:#000000', `  class ${now} now`]),
  ].join('\n')
}

const PRESENT = '#ffd54f'

/**
 * A machine in the language of Graphviz (https://graphviz.org/doc/info/lang.html).
 * @param now a state that stands out
 */
export const dot = <State extends string, Context>(initial: State, edges: readonly Edge<State, Context>[], now?: string): string => {
  const { arrows, final } = arrowsOf(edges)
  const end = (state: string): string => `  "end ${state}" [shape=doublecircle, label="", width=0.12, style=filled, fillcolor=black]`
  return [
    'digraph machine {',
    '  graph [fontname="sans-serif", ranksep=0.5, nodesep=0.4, pad=0.2]',
    '  node [fontname="sans-serif", fontsize=12, shape=box, style="rounded,filled", fillcolor=white]',
    '  edge [fontname="sans-serif", fontsize=10, arrowsize=0.7]',
    '  begin [shape=circle, label="", width=0.15, fillcolor=black]',
    `  begin -> "${initial}"`,
    ...arrows.map(({ from, to, events }) => `  "${from}" -> "${to}" [label=" ${events.join('\\l ')}\\l"]`),
    ...final.flatMap((state) => [end(state), `  "${state}" -> "end ${state}"`]),
    ...(now === undefined ? [] : [`  "${now}" [fillcolor="${PRESENT}", penwidth=2.5]`]),
    '}',
  ].join('\n')
}
