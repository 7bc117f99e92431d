import type { PlanDefaults } from './plan.ts'

type Loose = Readonly<Record<string, unknown>>

const isMap = (value: unknown): value is Loose => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is given wins; a map that is given takes what it lacks. What is wrong stays as it is, to be refused. */
const under = (given: Loose, defaults: object): Loose => {
  const result: Record<string, unknown> = { ...given }
  for (const [key, value] of Object.entries(defaults)) {
    const own = given[key]
    if (own === undefined) result[key] = value
    else if (isMap(own) && isMap(value)) result[key] = { ...value, ...own }
  }
  return result
}

const mapValues = (map: Loose, change: (value: unknown) => unknown): Loose => {
  // fromEntries, as a key such as __proto__ must stay an ordinary one
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]))
}

const laneWith = (lane: unknown, command: object): unknown =>
  isMap(lane) && Array.isArray(lane['commands'])
    ? { ...lane, commands: lane['commands'].map((given: unknown) => (isMap(given) ? under(given, command) : given)) }
    : lane

/** A plan as it was written, with the configured defaults in place of what it does not say. Tolerates a plan of any shape. */
export const withDefaults = (plan: unknown, defaults: PlanDefaults | undefined): unknown => {
  if (defaults === undefined || !isMap(plan)) return plan
  const { lanes } = plan
  const filled = under(plan, defaults.run)
  return isMap(lanes) ? { ...filled, lanes: mapValues(lanes, (lane) => laneWith(lane, defaults.command)) } : filled
}
