import type { Plan, PlanCommand, PlanDefaults } from './plan.ts'
import { checkPlan } from './plan-parse-checks.ts'
import { withNames } from './plan-parse-names.ts'
import { exitRules } from './exit-rules.ts'
import { withDefaults } from './plan-defaults.ts'
import { type Finding, findingsOf, pathText, planError, type PlanPath, type PlanProblem } from './plan-parse-problems.ts'
import { readPlanText, type TextPosition } from './plan-parse-yaml.ts'
import { PLAN_LIMITS, shapeCommandText, type ShapedPlan, shapePlan } from './plan.schema.ts'

export { planJsonSchema } from './plan.schema.ts'

type Locate = (path: PlanPath, key?: boolean) => TextPosition | null

export const inPlace = (file: string, finding: Finding, position: TextPosition | null): PlanProblem => {
  const path = pathText(finding.path)
  const where = position === null ? file : `${file}:${position.line}:${position.column}`
  return {
    code: finding.code,
    message: `${where}: ${finding.text}`,
    file,
    line: position?.line ?? null,
    column: position?.column ?? null,
    path,
  }
}

export const inOrder = (a: PlanProblem, b: PlanProblem): number => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)

/** A key that is missing only because it was mistyped is one problem, not two. */
const withoutEchoes = (findings: readonly Finding[]): Finding[] => {
  const meant = new Set(findings.flatMap((finding) => (finding.meant === undefined ? [] : [pathText(finding.meant)])))
  return findings.filter((finding) => finding.missing !== true || !meant.has(pathText(finding.path)))
}

const normalPath = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')

const finished = (shaped: ShapedPlan, laneOrder: readonly string[], defaults: PlanDefaults | undefined): Plan => ({
  keep: shaped.keep,
  parallel: shaped.parallel,
  lanes: laneOrder.flatMap((name) => {
    const lane = shaped.lanes[name]
    return lane === undefined
      ? []
      : [
          {
            name,
            base: lane.base,
            env: lane.env,
            copy: [...new Set(lane.copy.map(normalPath))],
            after: [...new Set(lane.after)],
            commands: withNames(
              lane.commands.map((command) => (typeof command === 'string' ? shapeCommandText(command, defaults?.command) : command)),
            ).map(({ name: commandName, run, restart, intensity, backoff, graceMs, idleAfterMs, limits, classify, env }): PlanCommand => ({
              name: commandName,
              run,
              restart,
              intensity,
              backoff,
              graceMs,
              idleAfterMs,
              limits,
              classify: exitRules(shaped.classify, classify),
              env,
            })),
          },
        ]
  }),
})

/** Plans that were made here: only what was checked is taken for a plan, whatever it looks like. */
const checked = new WeakSet<object>()

const check = (
  value: unknown,
  file: string,
  from: { laneOrder?: readonly string[]; findings: readonly Finding[]; locate: Locate },
  defaults?: PlanDefaults,
): Plan => {
  const shaped = shapePlan(withDefaults(value, defaults))
  const all = withoutEchoes([...from.findings, ...checkPlan(value), ...('issues' in shaped ? findingsOf(shaped.issues, value) : [])])
  if (all.length > 0)
    throw planError(all.map((finding) => inPlace(file, finding, from.locate(finding.path, finding.key))).toSorted(inOrder))
  if ('issues' in shaped) throw new RangeError('the schema refused a plan without saying why')
  const plan = finished(shaped.plan, from.laneOrder ?? Object.keys(shaped.plan.lanes), defaults)
  checked.add(plan)
  return plan
}

/**
 * Reads a plan: YAML 1.2 or JSON, at most 1 MB. Reads no file.
 * @param fileName stands in the messages
 * @param defaults what is meant where the plan does not say
 * @throws ERR_PLAN_SYNTAX, ERR_PLAN_UNKNOWN_KEY, ERR_PLAN_INVALID, ERR_PLAN_DUPLICATE, ERR_PLAN_CYCLE,
 *   ERR_PLAN_UNKNOWN_LANE: the first problem of the file, all others listed with it (`context.problems`)
 * @example parsePlan('lanes: { docs: { commands: [make docs] } }', 'plan.yaml').lanes[0]?.commands[0]?.name // 'make-docs'
 */
export const parsePlan = (text: string, fileName: string, defaults?: PlanDefaults): Plan => {
  const fail = (findings: readonly (Finding & TextPosition)[]): never => {
    throw planError(findings.map((finding) => inPlace(fileName, finding, finding)))
  }
  if (text.length > PLAN_LIMITS.bytes || new TextEncoder().encode(text).length > PLAN_LIMITS.bytes) {
    return fail([
      { code: 'ERR_PLAN_INVALID', path: [], line: 1, column: 1, text: `the plan is larger than ${PLAN_LIMITS.bytes} bytes; split it` },
    ])
  }
  const read = readPlanText(text)
  if ('syntax' in read) return fail(read.syntax.map((problem) => ({ ...problem, code: 'ERR_PLAN_SYNTAX', path: [] })))
  if (read.text.value === null)
    return fail([
      { code: 'ERR_PLAN_INVALID', path: [], line: 1, column: 1, text: 'the plan is empty; name at least one lane under `lanes`' },
    ])
  return check(read.text.value, fileName, read.text, defaults)
}

/**
 * Checks a plan that a program made: the same form as in a file. A finished `Plan` is not of that form; it needs no check.
 * @throws as `parsePlan` does, without line and column
 */
export const validatePlan = (value: unknown, defaults?: PlanDefaults): Plan =>
  check(value, 'plan', { findings: [], locate: () => null }, defaults)

/** @returns the plan itself where it was made here, else what `parsePlan` or `validatePlan` makes of it. @throws as these do */
export const asPlan = (value: unknown, defaults?: PlanDefaults): Plan => {
  if (typeof value === 'string') return parsePlan(value, 'plan', defaults)
  return typeof value === 'object' && value !== null && checked.has(value) ? (value as Plan) : validatePlan(value, defaults)
}
