import { type ErrorCode, SignalboxError } from './errors.ts'
import { nearest } from './suggest.ts'
import { keysAt, type SchemaIssue } from './plan.schema.ts'

export type PlanErrorCode = Extract<ErrorCode, `ERR_PLAN_${string}` | `ERR_CONFIG_${string}`>
export type PlanPath = readonly PropertyKey[]

/** One thing that is wrong with a plan. Line and column count from 1 and are null for a plan that did not come from a text. */
export type PlanProblem = {
  readonly code: PlanErrorCode
  /** `FILE:LINE:COL: what; what to do` */
  readonly message: string
  readonly file: string
  readonly line: number | null
  readonly column: number | null
  /** Such as `lanes.parser.commands[0].run`; empty for the plan as a whole. */
  readonly path: string
}

/** A problem before its place in the text is looked up. `key`: it is the key at `path` that is wrong, not its value. */
export type Finding = {
  readonly code: PlanErrorCode
  readonly path: PlanPath
  readonly key?: boolean
  readonly text: string
  /** The value is not there. */
  readonly missing?: boolean
  /** Path of the key that was probably meant by an unknown one. */
  readonly meant?: PlanPath
}

/** What a text is, as far as its problems tell: a plan, or a file of settings. */
export type Dialect = {
  /** Its name in messages. */
  readonly noun: string
  readonly invalid: PlanErrorCode
  readonly unknownKey: PlanErrorCode
  /** The keys that a map at a place of it may have. */
  readonly keysAt: (path: PlanPath) => readonly string[]
}

export const PLAN_DIALECT: Dialect = { noun: 'the plan', invalid: 'ERR_PLAN_INVALID', unknownKey: 'ERR_PLAN_UNKNOWN_KEY', keysAt }

/** Problems that are listed in the message; the context has up to 100. */
const LISTED = 20
const KEPT = 100

/** @returns such as `lanes.parser.commands[0].run`. */
export const pathText = (path: PlanPath): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '')

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text)
export const quoted = (text: string): string => JSON.stringify(short(text))

const described = (value: unknown): string => {
  if (value === undefined) return 'missing'
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return short(String(value))
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`
}

const valueAt = (root: unknown, path: PlanPath): unknown =>
  path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null && Object.hasOwn(value, part) ? Reflect.get(value, part) : undefined),
    root,
  )

const unknownKeys = (path: PlanPath, keys: readonly string[], dialect: Dialect): Finding[] =>
  keys.map((key) => {
    const known = dialect.keysAt(path)
    const meant = nearest(key, known)
    const advice = meant === undefined ? `use one of ${known.join(', ')}, or remove it` : `did you mean "${meant}"?`
    const finding = {
      code: dialect.unknownKey,
      path: [...path, key],
      key: true,
      text: `unknown key ${quoted(key)}; ${advice}`,
    } as const
    return meant === undefined ? finding : { ...finding, meant: [...path, meant] }
  })

/** Of a value that may be one of several forms, the issues of the form that was meant: the one that fails inside, not as a whole. */
const branchOf = (issue: SchemaIssue): readonly SchemaIssue[] | undefined =>
  issue.code === 'invalid_union'
    ? issue.errors.find((branch) =>
        branch.every(({ code, path }) => path.length > 0 || (code !== 'invalid_type' && code !== 'invalid_union')),
      )
    : undefined

/** What the schema found, in words. */
export const findingsOf = (
  issues: readonly SchemaIssue[],
  root: unknown,
  dialect: Dialect = PLAN_DIALECT,
  base: PlanPath = [],
): Finding[] =>
  issues.flatMap((issue): Finding[] => {
    const path = [...base, ...issue.path]
    const branch = branchOf(issue)
    if (branch !== undefined) return findingsOf(branch, root, dialect, path)
    if (issue.code === 'unrecognized_keys') return unknownKeys(path, issue.keys, dialect)
    if (issue.code === 'invalid_key') {
      return [
        { code: dialect.invalid, path, key: true, text: `${quoted(String(path.at(-1)))} ${issue.issues[0]?.message ?? issue.message}` },
      ]
    }
    const label = path.length === 0 ? dialect.noun : pathText(path)
    const value = valueAt(root, path)
    if (!issue.message.startsWith('must '))
      return [{ code: dialect.invalid, path, text: `${label} ${issue.message}`, missing: value === undefined }]
    const meant = issue.code === 'invalid_value' && typeof value === 'string' ? nearest(value, issue.values.map(String)) : undefined
    const advice = `it ${issue.message}${meant === undefined ? '' : `: did you mean "${meant}"?`}`
    return [{ code: dialect.invalid, path, text: `${label} is ${described(value)}; ${advice}` }]
  })

/**
 * All problems of a plan as one error: the first gives code and headline, the others are listed below it.
 * @param problems at least one, in the order of the file
 */
export const planError = (problems: readonly PlanProblem[]): SignalboxError => {
  const [first, ...others] = problems
  if (first === undefined) throw new RangeError('planError needs a problem')
  const listed = others.slice(0, LISTED - 1).map(({ message }) => message)
  const more = others.length - listed.length
  const message = [first.message, ...listed, ...(more > 0 ? [`… and ${more} more problems`] : [])].join('\n')
  const { file, line, column, path } = first
  return new SignalboxError(first.code, message, { context: { file, line, column, path, problems: problems.slice(0, KEPT) } })
}
