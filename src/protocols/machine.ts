import { type AnyStateMachine, initialTransition, transition } from 'xstate'
import { type ErrorCode, type ErrorContext, SignalboxError } from './errors.ts'

/** A machine's present state as plain data: safe to store and to send. */
export type Snapshot<State extends string, Context> = { readonly state: State; readonly context: Context }

/** What an event led to: the next snapshot and the names of the actions that the actor must perform, in order. */
export type Step<State extends string, Context> = { readonly next: Snapshot<State, Context>; readonly actions: readonly string[] }

/** A pure state machine: XState holds the definition, `advance` is the only way forward. */
export type Machine<State extends string, Context, Event extends { type: string }> = {
  readonly definition: AnyStateMachine
  readonly initial: Snapshot<State, Context>
  /** @throws the machine's invalid-transition code, with state, event and `ids`, when the state cannot take the event */
  advance(from: Snapshot<State, Context>, event: Event, ids?: ErrorContext): Step<State, Context>
  /** @returns whether the state takes the event. */
  can(from: Snapshot<State, Context>, event: Event): boolean
}

/** A state lists under `meta.acknowledges` the events that it takes without doing anything. */
type Meta = { acknowledges?: readonly string[] }

const plain = <State extends string, Context>(snapshot: { value: unknown; context: unknown }): Snapshot<State, Context> => ({
  state: snapshot.value as State,
  context: snapshot.context as Context,
})

/**
 * Wraps an XState machine whose states are flat.
 * @param invalid code of the error for an event that a state cannot take
 */
export const machine = <State extends string, Context, Event extends { type: string }>(
  definition: AnyStateMachine,
  invalid: ErrorCode,
): Machine<State, Context, Event> => {
  const stateNode = (state: string) => (Object.hasOwn(definition.root.states, state) ? definition.root.states[state] : undefined)
  const acknowledges = (from: Snapshot<State, Context>, event: Event): boolean => {
    const meta = stateNode(from.state)?.meta as Meta | undefined
    return meta?.acknowledges?.includes(event.type) ?? false
  }
  const resolve = (from: Snapshot<State, Context>) => definition.resolveState({ value: from.state, context: from.context })
  const can = (from: Snapshot<State, Context>, event: Event): boolean =>
    acknowledges(from, event) || (stateNode(from.state) !== undefined && resolve(from).can(event))
  return {
    definition,
    initial: plain(initialTransition(definition)[0]),
    can,
    advance: (from, event, ids = {}) => {
      if (!can(from, event)) {
        throw new SignalboxError(invalid, `${definition.id}: state "${from.state}" cannot take "${event.type}"`, {
          context: { ...ids, state: from.state, event: event.type },
        })
      }
      if (acknowledges(from, event)) return { next: from, actions: [] }
      const [next, actions] = transition(definition, resolve(from), event)
      return { next: plain(next), actions: actions.map((action) => action.type) }
    },
  }
}
