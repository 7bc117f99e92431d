import { type AnyStateMachine, createMachine } from 'xstate'
import type { ErrorCode } from '../../src/protocols/errors.ts'
import { type Machine, machine } from '../../src/protocols/machine.ts'

/** A planted bug: where in the definition, and what stands there instead; `undefined` takes it away. */
export type Plant = { readonly at: readonly string[]; readonly put: unknown } | { readonly guard: string; readonly is: () => boolean }

/** A copy of `node` with another value at `path`. The functions in it are shared. */
const replaced = (node: unknown, path: readonly string[], value: unknown): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (Array.isArray(node)) return node.map((item: unknown, index) => (String(index) === key ? replaced(item, rest, value) : item))
  const entries = Object.entries((node ?? {}) as object).filter(([name]) => name !== key)
  const inner = replaced((node as Record<string, unknown> | undefined)?.[key], rest, value)
  return Object.fromEntries(inner === undefined ? entries : [...entries, [key, inner]])
}

type Config = Parameters<typeof createMachine>[0]
type Implementations = Parameters<typeof createMachine>[1]

/** @returns the machine with one bug in its definition. */
export const mutant = <State extends string, Context, Event extends { type: string }>(
  original: Machine<State, Context, Event>,
  code: ErrorCode,
  plant: Plant,
): Machine<State, Context, Event> => {
  const { config, implementations } = original.definition as AnyStateMachine & { implementations: { guards: Record<string, unknown> } }
  const planted =
    'guard' in plant
      ? { config, implementations: { ...implementations, guards: { ...implementations.guards, [plant.guard]: plant.is } } }
      : { config: replaced(config, plant.at, plant.put), implementations }
  return machine(createMachine(planted.config as Config, planted.implementations as Implementations), code)
}
