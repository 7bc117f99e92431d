import * as z from 'zod'
import type { CommandLimits } from './limits.ts'
import type { Backoff, Intensity, KeepPolicy, RestartType } from './plan.ts'
import { classifySchema, type ShapedRules } from './plan-classify.schema.ts'
import { LIMIT_KEYS, limitsSchema } from './plan-limits.schema.ts'
import { milliseconds, text, whole } from './plan-scalars.ts'

/** Limits of a plan. */
export const PLAN_LIMITS = { lanes: 1_000, commandsPerLane: 1_000, bytes: 1_000_000 } as const

/** Name of the JSON Schema of plans; a name, not an address. */
const SCHEMA_ID = 'urn:signalbox:plan:1'

// Names become parts of branch names, directories and of `signalbox why LANE/COMMAND`: git refuses "..", shells trip over a leading dash.
const NAME = /^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/
const NAME_RULE = 'is not a name; use up to 64 letters, digits, ".", "_" and "-", beginning with a letter, digit or "_", without ".."'
const ENV_KEY = /^[A-Za-z_][A-Za-z0-9_]*$/

const withoutNul = (text: string): boolean => !text.includes('\0')
const NUL_RULE = 'holds a NUL byte; remove it'

/** A text; numbers and booleans are taken as the text that they were written as, as people who write YAML expect. */
const word = (what: string) =>
  z
    .union([z.string(), z.number(), z.boolean()], { error: `must be ${what}` })
    .transform(String)
    .pipe(z.string().refine(withoutNul, { error: NUL_RULE }))
const name = (): z.ZodString => text(NAME_RULE).regex(NAME, { error: NAME_RULE })

const env = z
  .record(
    z
      .string()
      .regex(ENV_KEY, { error: 'is not the name of an environment variable; use letters, digits and "_", not beginning with a digit' })
      .refine((key) => !key.startsWith('SIGNALBOX_'), {
        error: 'begins with SIGNALBOX_, which signalbox sets itself; choose another name',
      }),
    word('a text; write "" for an empty value'),
    { error: 'must be a map from names of variables to their values' },
  )
  .default({})
  .describe('Environment variables, added to those that signalbox itself runs with. Numbers and booleans are taken as text.')

const intensity = z
  .strictObject(
    {
      restarts: whole(0, 1_000_000, 'restarts').default(1).describe('Restarts allowed within the window.'),
      withinMs: milliseconds(1).default(5_000).describe('Length of the sliding window, in milliseconds.'),
    },
    { error: 'must be a map such as { restarts: 3, withinMs: 60000 }' },
  )
  .prefault({})
  .describe('How often the command may be restarted: one failure more within the window fails the lane.')

const backoff = z
  .strictObject(
    {
      minMs: milliseconds().default(200).describe('Delay before the first restart, in milliseconds; doubles with each in a row.'),
      maxMs: milliseconds().default(30_000).describe('Longest delay, in milliseconds.'),
      jitter: z
        .number({ error: 'must be a number from 0 to 1' })
        .min(0, { error: 'must be a number from 0 to 1' })
        .max(1, { error: 'must be a number from 0 to 1' })
        .default(0.1)
        .describe('Share of a delay that is left to chance, 0 to 1.'),
      resetAfterMs: milliseconds().default(60_000).describe('An attempt that lived this long, in milliseconds, starts again at minMs.'),
    },
    { error: 'must be a map such as { minMs: 200, maxMs: 30000 }' },
  )
  .prefault({})
  .refine((value) => value.minMs <= value.maxMs, { error: 'has a minMs above its maxMs; raise maxMs or lower minMs' })
  .describe('Delays between restarts.')

const EMPTY = 'is empty; write the command to run, or remove it'
const shellText = word('a text').refine((line) => line.trim() !== '', { error: EMPTY })
const argv = z
  .array(word('a text'), { error: 'must be a text or a list of words' })
  .min(1, { error: EMPTY })
  .refine((words) => words[0]?.trim() !== '', { error: 'begins with an empty word; name the program to run first' })

const run = z
  .union([shellText, argv], {
    error: ({ input }) =>
      input === undefined
        ? 'is missing; write the command to run'
        : input === null
          ? EMPTY
          : 'must be a text (run by /bin/sh) or a list of words',
  })
  .describe('A text runs by `/bin/sh -c`; a list is the program and its arguments, without a shell.')

const command = z.strictObject(
  {
    name: name().optional().describe('Unique in the lane. Default: made from the first words of the command.'),
    run,
    restart: z
      .enum(['permanent', 'transient', 'temporary'], { error: 'must be permanent, transient or temporary' })
      .default('temporary')
      .describe(
        'permanent: runs beside the others until the lane ends, restarted whenever it ends. transient: restarted when it fails. temporary: never restarted.',
      ),
    intensity,
    backoff,
    graceMs: milliseconds().default(5_000).describe('Time from SIGTERM to SIGKILL when it is stopped, in milliseconds.'),
    idleAfterMs: milliseconds()
      .default(600_000)
      .describe('So long without output, input and CPU, in milliseconds, and somebody is told that it is idle; it goes on. 0: never.'),
    limits: limitsSchema.describe(
      'What its processes may use together. What is reached is refused (processes), slowed (cpus) or ends a process (memory).',
    ),
    classify: classifySchema.describe('How failures are told apart, and what is done about each. What is left out is as in the plan.'),
    env,
  },
  { error: 'must be a text or a map with `run`' },
)

const commandForm = z.union([shellText, command], {
  error: ({ input }) =>
    Array.isArray(input)
      ? 'is a list; write { run: [program, argument] } for a command without a shell'
      : input === null
        ? EMPTY
        : 'must be a text or a map with `run`',
})

const copyPath = text('must be a path')
  .refine(withoutNul, { error: NUL_RULE })
  .refine((path) => path.trim() !== '', { error: 'is empty; name a file of the repository' })
  .refine((path) => !/^[/\\]|^~|^[A-Za-z]:[\\/]/.test(path), { error: 'is not relative; name a file from the top of the repository' })
  .refine((path) => !path.split('/').includes('..'), { error: 'leads out of the repository; name a file inside it' })
  .refine((path) => path.split('/').find((part) => part !== '' && part !== '.') !== undefined, {
    error: 'names no file; name a file of the repository',
  })
  .refine(
    (path) =>
      path
        .split('/')
        .find((part) => part !== '' && part !== '.')
        ?.toLowerCase() !== '.git',
    {
      error: 'lies in .git; name a file of the working tree',
    },
  )

const lane = z.strictObject(
  {
    base: text('must be a text that names a commit, such as main')
      .refine(withoutNul, { error: NUL_RULE })
      .refine((ref) => ref.trim() !== '', { error: 'is empty; name a commit, or leave `base` away for HEAD' })
      .refine((ref) => !/^-|[\r\n]/.test(ref), { error: 'does not name a commit; use a branch, tag or commit id' })
      .default('HEAD')
      .describe('Commit that the branch of the lane starts from: a branch, tag or commit id.'),
    env,
    copy: z
      .array(copyPath, { error: 'must be a list of paths, such as [.env]' })
      .default([])
      .describe('Files copied from the main working tree into the worktree, relative to the top of the repository.'),
    after: z
      .array(text('must be the name of a lane'), { error: 'must be a list of lanes, such as [build]' })
      .default([])
      .describe('Lanes that must have succeeded before this one starts.'),
    commands: z
      .array(commandForm, {
        error: ({ input }) => (input === undefined ? 'is missing; give the lane a list of commands' : 'must be a list of commands'),
      })
      .min(1, { error: 'is empty; give the lane at least one command' })
      .max(PLAN_LIMITS.commandsPerLane, { error: `has more than ${PLAN_LIMITS.commandsPerLane} commands; split the lane` })
      .describe('Run one after the other in the worktree of the lane; a permanent one runs beside the rest.'),
  },
  { error: 'must be a map with `commands`' },
)

const plan = z.strictObject(
  {
    $schema: z.string({ error: 'must be a text' }).optional().describe('Ignored; for editors.'),
    lanes: z
      .record(name(), lane, {
        error: ({ input }) => (input === undefined ? 'is missing; name at least one lane' : 'must be a map from names of lanes to lanes'),
      })
      .refine((lanes) => Object.keys(lanes).length > 0, { error: 'is empty; name at least one lane' })
      .refine((lanes) => Object.keys(lanes).length <= PLAN_LIMITS.lanes, {
        error: `has more than ${PLAN_LIMITS.lanes} lanes; split the plan`,
      })
      .describe('Lanes by name. Each gets a git worktree and a branch of its own.'),
    keep: z
      .enum(['never', 'failed', 'always'], { error: 'must be never, failed or always' })
      .default('failed')
      .describe('Which worktrees stay after the run. One that holds uncommitted work stays in any case.'),
    parallel: whole(1, 1_000, 'lanes').default(4).describe('Lanes that run at once.'),
    classify: classifySchema.describe('How failures of commands are told apart, and what is done about each.'),
  },
  { error: 'must be a map with `lanes`' },
)

/** A command as the schema leaves it: every default filled in but the name. */
export type ShapedCommand = {
  readonly name?: string | undefined
  readonly run: string | readonly string[]
  readonly restart: RestartType
  readonly intensity: Intensity
  readonly backoff: Backoff
  readonly graceMs: number
  readonly idleAfterMs: number
  readonly limits: CommandLimits
  readonly classify?: ShapedRules
  readonly env: Readonly<Record<string, string>>
}
export type ShapedLane = {
  readonly base: string
  readonly env: Readonly<Record<string, string>>
  readonly copy: readonly string[]
  readonly after: readonly string[]
  readonly commands: readonly (string | ShapedCommand)[]
}
export type ShapedPlan = {
  readonly lanes: Readonly<Record<string, ShapedLane>>
  readonly keep: KeepPolicy
  readonly parallel: number
  readonly classify?: ShapedRules
}

export type SchemaIssue = z.core.$ZodIssue

/** The strict form of a plan, defaults filled in, or what is wrong with it. */
export const shapePlan = (value: unknown): { readonly plan: ShapedPlan } | { readonly issues: readonly SchemaIssue[] } => {
  const result = plan.safeParse(value)
  return result.success ? { plan: result.data } : { issues: result.error.issues }
}

/** A command that is written as a text alone, with the defaults of all else. */
export const shapeCommandText = (line: string, defaults: object = {}): ShapedCommand => command.parse({ ...defaults, run: line })

const KEYS: readonly { readonly at: RegExp; readonly keys: readonly string[] }[] = [
  { at: /^$/, keys: Object.keys(plan.shape).filter((key) => key !== '$schema') },
  { at: /^lanes\0[^\0]*$/, keys: Object.keys(lane.shape) },
  { at: /^lanes\0[^\0]*\0commands\0\d+$/, keys: Object.keys(command.shape) },
  { at: /\0intensity$/, keys: ['restarts', 'withinMs'] },
  { at: /(^|\0)classify$/, keys: ['decide', 'texts', 'usual', 'wait'] },
  { at: /(^|\0)classify\0decide$/, keys: ['notExecutable', 'authentication', 'rateLimited', 'memory', 'signal', 'failure'] },
  { at: /(^|\0)classify\0texts$/, keys: ['authentication', 'rateLimited', 'memory'] },
  { at: /(^|\0)classify\0wait$/, keys: ['minMs', 'maxMs', 'times'] },
  { at: /\0limits$/, keys: LIMIT_KEYS },
  { at: /\0backoff$/, keys: ['minMs', 'maxMs', 'jitter', 'resetAfterMs'] },
]
/** @returns the keys that a map at this place of a plan may have; empty where any are allowed. */
export const keysAt = (path: readonly PropertyKey[]): readonly string[] =>
  KEYS.find(({ at }) => at.test(path.map(String).join('\0')))?.keys ?? []

/** JSON Schema (draft 2020-12) of a plan as people write it: for editors, and for programs that make plans. */
export const planJsonSchema = (): object => {
  const { $schema, ...rest } = z.toJSONSchema(plan, { io: 'input', target: 'draft-2020-12' })
  return { $schema, $id: SCHEMA_ID, title: 'signalbox plan', description: 'What `signalbox run` executes.', ...rest }
}
