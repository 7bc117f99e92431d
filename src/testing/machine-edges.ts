import type { AnyStateMachine } from 'xstate'
import type { Snapshot } from '../protocols/machine.ts'

type Candidate = { readonly target?: readonly { readonly key: string }[] | undefined; readonly guard?: unknown }
type Meta = { readonly acknowledges?: readonly string[] }
type StateNode = { readonly type: string; readonly meta?: Meta; readonly transitions: ReadonlyMap<string, readonly Candidate[]> }

const nodeOf = (definition: AnyStateMachine, state: string): StateNode | undefined =>
  Object.hasOwn(definition.root.states, state) ? (definition.root.states[state] as unknown as StateNode) : undefined

export const isFinal = (definition: AnyStateMachine, state: string): boolean => nodeOf(definition, state)?.type === 'final'
export const isAcknowledged = (definition: AnyStateMachine, state: string, type: string): boolean =>
  nodeOf(definition, state)?.meta?.acknowledges?.includes(type) ?? false

const guardOf = ({ guard }: Candidate): string => {
  if (guard === undefined) return ''
  if (typeof guard === 'string') return ` [${guard}]`
  const named = guard as { type?: unknown; name?: unknown }
  return ` [${String(typeof guard === 'object' ? named.type : named.name)}]`
}

const label = (state: string, type: string, candidate: Candidate): string =>
  `${state} –${type}${guardOf(candidate)}→ ${candidate.target?.[0]?.key ?? state}`
const acknowledged = (state: string, type: string): string => `${state} –${type}→ ${state} (acknowledged)`

/** Every edge of the definition, as a text. */
export const edgesOf = (definition: AnyStateMachine): string[] =>
  Object.keys(definition.root.states).flatMap((state) => {
    const node = nodeOf(definition, state)
    const own = [...(node?.transitions ?? [])].flatMap(([type, candidates]) => candidates.map((one) => label(state, type, one)))
    return [...own, ...(node?.meta?.acknowledges ?? []).map((type) => acknowledged(state, type))]
  })

/** The edge that is taken. */
export const edgeOf = (definition: AnyStateMachine, { state, context }: Snapshot<string, unknown>, event: { type: string }): string => {
  if (isAcknowledged(definition, state, event.type)) return acknowledged(state, event.type)
  const taken = definition.getTransitionData(definition.resolveState({ value: state, context: context as never }), event) as Candidate[]
  return label(state, event.type, taken[0] ?? {})
}
