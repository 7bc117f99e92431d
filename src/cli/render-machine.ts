import type { Graph } from './machine-walk.ts'
import type { Paint } from './paint.ts'

type Now = { readonly actor: string; readonly state: string }

/** Each state with what it does with events; the present one is marked. */
export const renderMachine = (
  machine: string,
  { initial, states, moves }: Pick<Graph, 'initial' | 'states' | 'moves'>,
  now: Now | null,
  paint: Paint,
): readonly string[] => {
  const width = Math.max(...moves.map(({ event }) => event.length))
  const lines = states.flatMap((state) => {
    const own = moves.filter(({ from }) => from === state)
    const isFinal = own.every(({ to, actions }) => to.every((next) => next === state) && actions.length === 0)
    const notes = [...(state === initial ? ['begins here'] : []), ...(isFinal ? ['ends here'] : [])]
    const head = `${state === now?.state ? '▶' : ' '} ${state}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`
    return [
      state === now?.state ? paint('bold', head) : head,
      ...own.map(({ event, to, actions }) => {
        const next = to.map((one) => (one === state ? 'stays' : one)).join(' or ')
        return `    ${event.padEnd(width)}  → ${next}${actions.length === 0 ? '' : ` / ${actions.join(', ')}`}`
      }),
    ]
  })
  return [...(now === null ? [`machine ${machine}`] : [`machine ${machine}: ${now.actor} is ${now.state}`]), ...lines]
}
