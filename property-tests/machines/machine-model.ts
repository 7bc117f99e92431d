import fc from 'fast-check'
import { isSignalboxError } from '../../src/protocols/errors.ts'
import type { Machine, Snapshot } from '../../src/protocols/machine.ts'
import { note } from '../../src/testing/recording.ts'

/** One line of a hand-written table: what a state does with an event. The first line that fits holds. */
export type Row<State extends string, Context, Event extends { type: string }> = {
  readonly from: readonly State[]
  readonly on: Event['type']
  readonly when?: (context: Context, event: Event) => boolean
  /** Absent: the same state. */
  readonly to?: State
  readonly change?: (context: Context) => Context
  readonly actions?: readonly string[]
}

/** What a machine must do, written without XState. */
export type Model<State extends string, Context, Event extends { type: string }> = {
  readonly rows: readonly Row<State, Context, Event>[]
  readonly states: readonly State[]
  readonly events: readonly Event[]
  /** Events after which little can follow: taken seldom, so that walks get far. */
  readonly seldom: readonly Event['type'][]
  readonly start: Snapshot<State, Context>
  /** Code of a refusal. */
  readonly invalid: string
}

type Outcome<State extends string, Context> = { next: Snapshot<State, Context>; actions: readonly string[] } | null

/** @returns what the table says, or null where the event is to be refused. */
export const expected = <State extends string, Context, Event extends { type: string }>(
  { rows }: Model<State, Context, Event>,
  { state, context }: Snapshot<State, Context>,
  event: Event,
): Outcome<State, Context> => {
  const row = rows.find(({ from, on, when }) => from.includes(state) && on === event.type && (when?.(context, event) ?? true))
  if (row === undefined) return null
  return { next: { state: row.to ?? state, context: row.change?.(context) ?? context }, actions: row.actions ?? [] }
}

const IDS = { ptyId: 'pt_1', laneId: 'ln_1' }

const fail = (what: string, detail: object): never => {
  throw new Error(`${what}: ${JSON.stringify(detail)}`)
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

const refusalOf = (act: () => unknown): { code: string; context: Readonly<Record<string, unknown>> } | null => {
  try {
    act()
    return null
  } catch (error) {
    if (isSignalboxError(error)) return { code: error.code, context: error.context }
    throw error
  }
}

/**
 * Takes one step on both and compares everything that can be seen.
 * @returns where both are now. @throws where they differ
 */
export const compareStep = <State extends string, Context, Event extends { type: string }>(
  machine: Machine<State, Context, Event>,
  model: Model<State, Context, Event>,
  from: Snapshot<State, Context>,
  event: Event,
): Snapshot<State, Context> => {
  const wanted = expected(model, from, event)
  if (machine.can(from, event) !== (wanted !== null)) fail('`can` differs from the table', { from, event, wanted })
  const before = JSON.stringify(from)
  if (wanted === null) {
    const refusal = refusalOf(() => machine.advance(from, event, IDS))
    const right = { code: model.invalid, context: { ...IDS, state: from.state, event: event.type } }
    if (!same(refusal, right)) fail('not refused as it should be', { from, event, refusal, right })
    return from
  }
  const step = machine.advance(from, event, IDS)
  if (!same(step.next, wanted.next)) fail('another next state', { from, event, step, wanted })
  if (!same(step.actions, wanted.actions)) fail('other actions', { from, event, step, wanted })
  if (JSON.stringify(from) !== before) fail('the snapshot was changed in place', { from, event })
  // A stored and reloaded snapshot is as good as the one it came from.
  const reloaded = JSON.parse(JSON.stringify(step.next)) as Snapshot<State, Context>
  for (const next of model.events) {
    const allowed = expected(model, reloaded, next) !== null
    if (machine.can(reloaded, next) !== allowed) fail('`can` differs from the table', { from: reloaded, event: next, allowed })
  }
  return reloaded
}

/** A step is mostly one that the table allows, else any: random events alone would hardly get past the first states. */
const choice = fc.record({
  kind: fc.constantFrom('usual', 'usual', 'usual', 'usual', 'usual', 'usual', 'allowed', 'allowed', 'any', 'any'),
  pick: fc.nat(9_999),
})
export type Choice = { readonly kind: string; readonly pick: number }

/** Which steps a random walk takes. */
export const walks: fc.Arbitrary<Choice[]> = fc.array(choice, { minLength: 1, maxLength: 40, size: 'max' })

/** Takes a walk, each step compared with the table. @throws where they differ */
export const walk = <State extends string, Context, Event extends { type: string }>(
  machine: Machine<State, Context, Event>,
  model: Model<State, Context, Event>,
  choices: readonly Choice[],
): void => {
  if (!same(machine.initial, model.start)) fail('another start', { initial: machine.initial, start: model.start })
  let at = machine.initial
  for (const { kind, pick } of choices) {
    const allowed = model.events.filter((event) => expected(model, at, event) !== null)
    const usual = allowed.filter(({ type }) => !model.seldom.includes(type))
    const wanted = { usual, allowed, any: model.events }[kind] ?? []
    const from = wanted.length > 0 ? wanted : model.events
    const event = from[pick % from.length]
    if (event === undefined) continue
    note(`${JSON.stringify(event)} in ${JSON.stringify(at)}`)
    at = compareStep(machine, model, at, event)
  }
}

/** Every snapshot that the table can reach, up to `stop`. */
export const reachable = <State extends string, Context, Event extends { type: string }>(
  model: Model<State, Context, Event>,
  stop: (context: Context) => boolean,
): readonly Snapshot<State, Context>[] => {
  const found = new Map([[JSON.stringify(model.start), model.start]])
  // A Map hands out what is added while it is walked.
  for (const at of found.values()) {
    if (stop(at.context)) continue
    for (const event of model.events) {
      const next = expected(model, at, event)?.next
      if (next !== undefined) found.set(JSON.stringify(next), next)
    }
  }
  return [...found.values()]
}
