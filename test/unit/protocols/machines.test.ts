import type { AnyStateMachine } from 'xstate'
import { adjacencyMapToArray, getAdjacencyMap, getShortestPaths } from 'xstate/graph'
import { describe, expect, it } from 'vitest'
import { laneModel } from '../../../property-tests/machines/lane-model.ts'
import { compareStep, expected, type Model, reachable } from '../../../property-tests/machines/machine-model.ts'
import { ptyModel } from '../../../property-tests/machines/pty-model.ts'
import { laneMachine, type LaneContext } from '../../../src/protocols/lane.machine.ts'
import type { Machine } from '../../../src/protocols/machine.ts'
import { ptyMachine } from '../../../src/protocols/pty.machine.ts'

type XStateSnapshot = { value: unknown; context: unknown }

/** The states and edges that XState itself finds from the definition. */
const graphOf = (definition: AnyStateMachine, events: readonly { type: string }[], stop: (context: unknown) => boolean) => {
  const options = { events: events as never, stopWhen: (snapshot: unknown) => stop((snapshot as XStateSnapshot).context) }
  const states = getShortestPaths(definition, options).map(({ state }) => String((state as XStateSnapshot).value))
  const edges = adjacencyMapToArray(getAdjacencyMap(definition, options)).flatMap((edge) => {
    const [from, to] = [edge.state, edge.nextState] as [XStateSnapshot & { can(event: unknown): boolean }, XStateSnapshot]
    return from.can(edge.event) ? [`${String(from.value)} –${String(edge.event.type)}→ ${String(to.value)}`] : []
  })
  return { states: new Set(states), edges: new Set(edges) }
}

const edgesOf = <State extends string, Context, Event extends { type: string }>(
  model: Model<State, Context, Event>,
  stop: (context: Context) => boolean,
): Set<string> =>
  new Set(
    reachable(model, stop).flatMap((from) =>
      stop(from.context)
        ? []
        : model.events.flatMap((event) => {
            const step = expected(model, from, event)
            return step === null ? [] : [`${from.state} –${event.type}→ ${step.next.state}`]
          }),
    ),
  )

/** @returns how many pairs of snapshot and event were refused. */
const compareAll = <State extends string, Context, Event extends { type: string }>(
  machine: Machine<State, Context, Event>,
  model: Model<State, Context, Event>,
  stop: (context: Context) => boolean,
): { taken: number; refused: number } => {
  let [taken, refused] = [0, 0]
  for (const from of reachable(model, stop)) {
    for (const event of model.events) {
      compareStep(machine, model, from, event)
      if (expected(model, from, event) === null) refused += 1
      else taken += 1
    }
  }
  return { taken, refused }
}

const manyAttached = ({ attached }: LaneContext): boolean => attached >= 5
const never = (): boolean => false
/** Cleanup of a cleaning or closed lane is acknowledged outside XState: it is no edge. */
const withoutAcknowledged = (edges: Set<string>): Set<string> =>
  new Set([...edges].filter((edge) => !['cleaning –cleanup→ cleaning', 'closed –cleanup→ closed'].includes(edge)))

describe('pty machine', () => {
  it('reaches every state and every edge of the table, and no other [SUP-10] [PTY-1]', () => {
    const { states, edges } = graphOf(ptyMachine.definition, ptyModel.events, never)
    expect(states).toEqual(new Set(ptyModel.states))
    expect(edges).toEqual(edgesOf(ptyModel, never))
    expect(edges.size).toBe(15)
  })

  it('takes or refuses every event in every reachable state as the table says [PTY-1]', () => {
    const { taken, refused } = compareAll(ptyMachine, ptyModel, never)
    expect(taken).toBeGreaterThan(15)
    expect(refused).toBeGreaterThan(50)
  })

  it('names state, event, PTY and lane in a refusal [PTY-1]', () => {
    const advance = () => ptyMachine.advance(ptyMachine.initial, { type: 'lost' }, { ptyId: 'pt_1', laneId: 'ln_1' })
    const context = { state: 'idle', event: 'lost', ptyId: 'pt_1', laneId: 'ln_1' }
    expect(advance).toThrow(expect.objectContaining({ code: 'ERR_PTY_INVALID_TRANSITION', context }))
  })

  it('refuses an event in a state that does not exist, such as that of a newer version', () => {
    for (const state of ['paused', 'constructor', '__proto__', '']) {
      const from = { state: state as 'idle', context: { stopping: false } }
      expect(ptyMachine.can(from, { type: 'spawn' })).toBe(false)
      const refusal = expect.objectContaining({ code: 'ERR_PTY_INVALID_TRANSITION', context: { state, event: 'spawn' } }) as Error
      expect(() => ptyMachine.advance(from, { type: 'spawn' })).toThrow(refusal)
    }
  })

  it('refuses events that it does not know, wildcards and those of XState', () => {
    for (const type of ['*', '', 'spawn.*', 'xstate.init', 'constructor']) {
      expect(ptyMachine.can(ptyMachine.initial, { type } as never)).toBe(false)
      expect(() => ptyMachine.advance(ptyMachine.initial, { type } as never)).toThrow(/cannot take/)
    }
  })
})

describe('lane machine', () => {
  it('reaches every state and every edge of the table, and no other [SUP-10] [LN-1]', () => {
    const { states, edges } = graphOf(laneMachine.definition, laneModel.events, (context) => manyAttached(context as LaneContext))
    expect(states).toEqual(new Set(laneModel.states))
    expect(edges).toEqual(withoutAcknowledged(edgesOf(laneModel, manyAttached)))
    expect(edges.size).toBe(30)
  })

  it('takes or refuses every event in every reachable state as the table says [LN-1] [LN-8]', () => {
    const { taken, refused } = compareAll(laneMachine, laneModel, manyAttached)
    expect(taken).toBeGreaterThan(100)
    expect(refused).toBeGreaterThan(200)
  })

  it('takes cleanup in every state, and does nothing on it once it is cleaning or closed [LN-3]', () => {
    for (const from of reachable(laneModel, manyAttached)) {
      const late = from.state === 'cleaning' || from.state === 'closed'
      const { next, actions } = laneMachine.advance(from, { type: 'cleanup' })
      expect({ state: next.state, acts: actions.length > 0 }).toEqual({ state: late ? from.state : 'cleaning', acts: !late })
    }
  })
})
