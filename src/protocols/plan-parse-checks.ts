import { nearest } from './suggest.ts'
import { type Finding, quoted } from './plan-parse-problems.ts'

/** What can be read of a lane whatever else is wrong with it. */
type LooseLane = { readonly name: string; readonly after: readonly unknown[]; readonly commands: readonly unknown[] }

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const looseLanes = (plan: unknown): LooseLane[] =>
  isMap(plan) && isMap(plan.lanes)
    ? Object.entries(plan.lanes).map(([name, lane]) => ({
        name,
        after: isMap(lane) ? listOf(lane.after) : [],
        commands: isMap(lane) ? listOf(lane.commands) : [],
      }))
    : []

/** Names that differ in case only would share a directory on some file systems. */
const sameNames = (lanes: readonly LooseLane[]): Finding[] => {
  const seen = new Map<string, string>()
  return lanes.flatMap(({ name }): Finding[] => {
    const other = seen.get(name.toLowerCase())
    seen.set(name.toLowerCase(), other ?? name)
    if (other === undefined) return []
    const text = `lanes ${quoted(other)} and ${quoted(name)} differ in case only; rename one`
    return [{ code: 'ERR_PLAN_DUPLICATE', path: ['lanes', name], key: true, text }]
  })
}

const sameCommands = (lanes: readonly LooseLane[]): Finding[] =>
  lanes.flatMap(({ name: lane, commands }) => {
    const seen = new Set<string>()
    return commands.flatMap((command, index): Finding[] => {
      if (!isMap(command) || typeof command.name !== 'string') return []
      const key = command.name.toLowerCase()
      if (!seen.has(key)) {
        seen.add(key)
        return []
      }
      const text = `lane ${quoted(lane)} has two commands named ${quoted(command.name)} (case does not count); rename one`
      return [{ code: 'ERR_PLAN_DUPLICATE', path: ['lanes', lane, 'commands', index, 'name'], text }]
    })
  })

const unknownLanes = (lanes: readonly LooseLane[]): Finding[] => {
  const names = new Set(lanes.map(({ name }) => name))
  return lanes.flatMap((lane) =>
    lane.after.flatMap((target, index): Finding[] => {
      if (typeof target !== 'string' || names.has(target)) return []
      const meant = nearest(target, names)
      const advice = meant === undefined ? 'add the lane, or remove the name' : `did you mean "${meant}"?`
      const text = `lane ${quoted(lane.name)} is to run after ${quoted(target)}, which is not in the plan; ${advice}`
      return [{ code: 'ERR_PLAN_UNKNOWN_LANE', path: ['lanes', lane.name, 'after', index], text }]
    }),
  )
}

type Visit = { readonly lane: LooseLane; next: number }

/** One circle for each that a depth-first walk closes first; without recursion, as a chain may have a thousand lanes. */
const circles = (lanes: readonly LooseLane[]): Finding[] => {
  const byName = new Map(lanes.map((lane) => [lane.name, lane]))
  const done = new Set<string>()
  const found: Finding[] = []
  for (const start of lanes) {
    if (done.has(start.name)) continue
    const stack: Visit[] = [{ lane: start, next: 0 }]
    const onStack = new Set([start.name])
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const index = top.next++
      if (index >= top.lane.after.length) {
        stack.pop()
        onStack.delete(top.lane.name)
        done.add(top.lane.name)
        continue
      }
      const target = byName.get(String(top.lane.after[index]))
      if (target === undefined || done.has(target.name)) continue
      if (onStack.has(target.name)) {
        const names = stack.slice(stack.findIndex(({ lane }) => lane.name === target.name)).map(({ lane }) => lane.name)
        const circle = [...names, target.name].join(' → ')
        const text = `lanes wait for each other in a circle: ${circle}; remove one \`after\` of it`
        found.push({ code: 'ERR_PLAN_CYCLE', path: ['lanes', top.lane.name, 'after', index], text })
        continue
      }
      stack.push({ lane: target, next: 0 })
      onStack.add(target.name)
    }
  }
  return found
}

/** A key that an object cannot hold like any other: refused, because it would be lost without a word. */
const protoKeys = (value: unknown, path: readonly PropertyKey[] = []): Finding[] => {
  if (path.length > 8 || typeof value !== 'object' || value === null) return []
  const own: Finding[] = Object.hasOwn(value, '__proto__')
    ? [{ code: 'ERR_PLAN_INVALID', path: [...path, '__proto__'], key: true, text: '"__proto__" cannot be used as a key; rename it' }]
    : []
  const entries: [PropertyKey, unknown][] = Array.isArray(value) ? value.map((item, index) => [index, item]) : Object.entries(value)
  return [...own, ...entries.flatMap(([key, item]) => (key === '__proto__' ? [] : protoKeys(item, [...path, key])))]
}

/** What a schema cannot say: names used twice, lanes that are not there, circles. Tolerates a plan of any shape. */
export const checkPlan = (plan: unknown): Finding[] => {
  const lanes = looseLanes(plan)
  return [...sameNames(lanes), ...sameCommands(lanes), ...unknownLanes(lanes), ...circles(lanes), ...protoKeys(plan)]
}
