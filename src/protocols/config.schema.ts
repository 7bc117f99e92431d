import * as z from 'zod'
import { WINDOW_SIZES, type WindowSize } from './control/screen.ts'
import { loopbackAddress } from './loopback.ts'
import { limitValues } from './plan-limits.schema.ts'
import type { SchemaIssue } from './plan.schema.ts'
import type { PlanDefaults } from './plan.ts'

/** Every setting with its value: defaults, files, environment and flags taken together. */
export type Settings = PlanDefaults & {
  readonly lanes: { readonly place: string; readonly branchPrefix: string }
  readonly logs: { readonly maxBytes: number }
  readonly terminals: {
    readonly host: 'host' | 'in-process' | 'tmux'
    readonly windowSize: WindowSize
    readonly clipboard: boolean
    readonly respawnLost: boolean
    readonly ringBudgetBytes: number
  }
  readonly history: { readonly days: number }
  readonly orchestrator: { readonly logMaxBytes: number }
  /** Each `off`, or where. */
  readonly metrics: { readonly listen: string; readonly file: string }
}

/** A name, not an address. */
const SCHEMA_ID = 'urn:signalbox:config:1'
const MAX_MS = 2_147_483_647

const whole = (min: number, max: number, unit: string): z.ZodInt => {
  const rule = `must be a whole number of ${unit} from ${min} to ${max}`
  return z.int({ error: rule }).min(min, { error: rule }).max(max, { error: rule })
}
const map = { error: 'must be a map' }
const PLACE = 'must be beside, inside, or an absolute path'
const PREFIX = 'must be the beginning of a branch name, such as signalbox/'
const LISTEN = 'must be off, or a loopback address and port, such as 127.0.0.1:9464 or [::1]:9464'
const FILE = 'must be off, or an absolute path'
const SHARE = 'must be a number from 0 to 1'

/** Without the defaults, as a layer holds only what it says itself. */
const layer = z.strictObject(
  {
    $schema: z.string({ error: 'must be a text' }).optional().describe('Ignored; for editors.'),
    lanes: z
      .strictObject(
        {
          place: z
            .string({ error: PLACE })
            .refine((place) => place === 'beside' || place === 'inside' || place.startsWith('/'), { error: PLACE })
            .refine((place) => !/[\0\n]/u.test(place), { error: PLACE })
            .default('beside')
            .describe(
              'Where worktrees of lanes are made. beside: in ../<repository>.lanes. inside: in .signalbox/lanes of the repository, where `git clean -ffdx` deletes them. An absolute path: in a directory of the repository below it.',
            )
            .optional(),
          branchPrefix: z
            .string({ error: PREFIX })
            .regex(/^(?!\/|.*(\.\.|\/\/|\/\.|@\{))[A-Za-z0-9_][A-Za-z0-9._/-]{0,63}$/u, { error: PREFIX })
            .default('signalbox/')
            .describe('What the names of branches of lanes begin with; doctor looks for left-over branches by it.')
            .optional(),
        },
        map,
      )
      .optional(),
    run: z
      .strictObject(
        {
          keep: z
            .enum(['never', 'failed', 'always'], { error: 'must be never, failed or always' })
            .default('failed')
            .describe('Which worktrees stay after a run, where the plan does not say. One that holds work stays in any case.')
            .optional(),
          parallel: whole(1, 1_000, 'lanes').default(4).describe('Lanes that run at once, where the plan does not say.').optional(),
        },
        map,
      )
      .optional(),
    command: z
      .strictObject(
        {
          graceMs: whole(0, MAX_MS, 'milliseconds')
            .default(5_000)
            .describe('Time from SIGTERM to SIGKILL when a command is stopped, where the plan does not say.')
            .optional(),
          idleAfterMs: whole(0, MAX_MS, 'milliseconds')
            .default(600_000)
            .describe('Time without output, input and CPU after which a command counts as idle, where the plan does not say. 0: never.')
            .optional(),
          limits: z
            .strictObject(
              {
                memoryBytes: limitValues.memoryBytes
                  .default(0)
                  .describe('Most memory of all processes of a command together, in bytes, where the plan does not say. 0: no limit.')
                  .optional(),
                cpus: limitValues.cpus
                  .default(0)
                  .describe('Most processors that a command uses at once, where the plan does not say. 0: no limit.')
                  .optional(),
                processes: limitValues.processes
                  .default(0)
                  .describe('Most processes and threads of a command at once, where the plan does not say. 0: no limit.')
                  .optional(),
                ifMissing: limitValues.ifMissing
                  .default('fail')
                  .describe('What becomes of a command whose limit is not to be had here: fail, it is not started; run, it runs without.')
                  .optional(),
              },
              map,
            )
            .optional(),
          intensity: z
            .strictObject(
              {
                restarts: whole(0, 1_000_000, 'restarts')
                  .default(1)
                  .describe('Restarts of a command allowed within the window, where the plan does not say.')
                  .optional(),
                withinMs: whole(1, MAX_MS, 'milliseconds')
                  .default(5_000)
                  .describe('Length of that window, where the plan does not say.')
                  .optional(),
              },
              map,
            )
            .optional(),
          backoff: z
            .strictObject(
              {
                minMs: whole(0, MAX_MS, 'milliseconds')
                  .default(200)
                  .describe('Delay before the first restart; doubles with each in a row.')
                  .optional(),
                maxMs: whole(0, MAX_MS, 'milliseconds').default(30_000).describe('Longest delay before a restart.').optional(),
                jitter: z
                  .number({ error: SHARE })
                  .min(0, { error: SHARE })
                  .max(1, { error: SHARE })
                  .default(0.1)
                  .describe('Share of a delay that is left to chance.')
                  .optional(),
                resetAfterMs: whole(0, MAX_MS, 'milliseconds')
                  .default(60_000)
                  .describe('An attempt that lived this long starts again at the first delay.')
                  .optional(),
              },
              map,
            )
            .optional(),
        },
        map,
      )
      .optional(),
    logs: z
      .strictObject(
        {
          maxBytes: whole(65_536, 2 ** 40, 'bytes')
            .default(536_870_912)
            .describe('Most that the log of one attempt of a command may hold; beyond it the middle is left out, and marked.')
            .optional(),
        },
        map,
      )
      .optional(),
    terminals: z
      .strictObject(
        {
          host: z
            .enum(['host', 'in-process', 'tmux'], { error: 'must be host, in-process or tmux' })
            .default('host')
            .describe(
              'Where an orchestrator holds its terminals. host: in a small process of their own, which outlives it, so that the next one takes them over. tmux: in a private tmux server, which outlives it too, and to which people can attach. in-process: in the orchestrator, and they end with it.',
            )
            .optional(),
          windowSize: z
            .enum(WINDOW_SIZES, { error: 'must be latest, smallest or fixed' })
            .default('latest')
            .describe(
              'Of several who are attached to a terminal, whose size it has. latest: of the last who came or resized. smallest: the fewest columns and rows of all, so that everybody sees all of it. fixed: its own, whoever is attached.',
            )
            .optional(),
          clipboard: z
            .boolean({ error: 'must be true or false' })
            .default(false)
            .describe(
              'Whether programs may set the clipboard of who is attached (OSC 52). It lets a program replace what one pastes elsewhere.',
            )
            .optional(),
          respawnLost: z
            .boolean({ error: 'must be true or false' })
            .default(false)
            .describe(
              'Whether terminals of lanes of their own that were lost, as the machine was started anew or what held them died, are started again by themselves, as `signalbox term respawn` does. A terminal that is lost again within a minute stays lost.',
            )
            .optional(),
          ringBudgetBytes: whole(1_048_576, 2 ** 40, 'bytes')
            .default(268_435_456)
            .describe(
              'Most memory for the recent output of all terminals together; beyond it the terminals that hold the most forget their oldest output. What is in their logs stays there. A terminal host that runs keeps what it was started with.',
            )
            .optional(),
        },
        map,
      )
      .optional(),
    history: z
      .strictObject(
        {
          days: whole(1, 36_500, 'days').default(14).describe('How long ended runs, their events and logs are remembered.').optional(),
        },
        map,
      )
      .optional(),
    orchestrator: z
      .strictObject(
        {
          logMaxBytes: whole(65_536, 2 ** 40, 'bytes')
            .default(10_485_760)
            .describe('Most that the log of the orchestrator may hold; then it begins anew, and the one before it is kept.')
            .optional(),
        },
        map,
      )
      .optional(),
    metrics: z
      .strictObject(
        {
          listen: z
            .string({ error: LISTEN })
            .refine((address) => address === 'off' || loopbackAddress(address) !== null, { error: LISTEN })
            .default('off')
            .describe(
              'Where the orchestrator serves its figures as OpenMetrics text, at /metrics: a loopback address and port, such as 127.0.0.1:9464; port 0 is any that is free, which its log tells.',
            )
            .optional(),
          file: z
            .string({ error: FILE })
            .refine((path) => path === 'off' || (path.startsWith('/') && !path.endsWith('/') && !/[\0\n]/u.test(path)), { error: FILE })
            .default('off')
            .describe(
              'A file that the orchestrator keeps its figures in, as OpenMetrics text: replaced each 15 s, gone when it has stopped.',
            )
            .optional(),
        },
        map,
      )
      .optional(),
  },
  { error: 'must be a map of settings' },
)

/** Settings that a running orchestrator takes over only when it is started again. */
const AT_START: ReadonlySet<string> = new Set([
  'lanes.place',
  'terminals.host',
  'terminals.ringBudgetBytes',
  'history.days',
  'orchestrator.logMaxBytes',
  'metrics.listen',
  'metrics.file',
])

/** One setting. */
export type SettingSpec = {
  /** `lanes.branchPrefix` */
  readonly key: string
  readonly path: readonly string[]
  /** `SIGNALBOX_LANES_BRANCH_PREFIX` */
  readonly env: string
  readonly about: string
  readonly default: unknown
  /** Whether a running orchestrator takes a change over at once. */
  readonly reloads: boolean
}

const envOf = (path: readonly string[]): string => `SIGNALBOX_${path.map((part) => part.replace(/[A-Z]/gu, '_$&').toUpperCase()).join('_')}`

type JsonSchema = { readonly properties?: Readonly<Record<string, JsonSchema>>; readonly description?: string; readonly default?: unknown }

const json = z.toJSONSchema(layer, { io: 'input', target: 'draft-2020-12' }) as JsonSchema

const settingsOf = (schema: JsonSchema, path: readonly string[]): readonly SettingSpec[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const here = [...path, name]
    if (inner.properties !== undefined) return settingsOf(inner, here)
    if (name.startsWith('$')) return []
    const key = here.join('.')
    return [{ key, path: here, env: envOf(here), about: inner.description ?? '', default: inner.default, reloads: !AT_START.has(key) }]
  })

/** Every setting, in the order of the documentation. */
export const SETTINGS: readonly SettingSpec[] = settingsOf(json, [])

/** Keys whose values are numbers, for the reader of YAML. */
export const NUMERIC_SETTINGS: ReadonlySet<unknown> = new Set(
  SETTINGS.filter((setting) => typeof setting.default === 'number').map(({ path }) => path.at(-1)),
)

/** @returns what is wrong with one layer; nothing when it may be used. */
export const layerIssues = (value: unknown): readonly SchemaIssue[] => {
  const result = layer.safeParse(value)
  return result.success ? [] : result.error.issues
}

/** @returns the keys that a map at this place may have. */
export const settingKeysAt = (path: readonly PropertyKey[]): readonly string[] => {
  const at = path.reduce<JsonSchema | undefined>((schema, part) => schema?.properties?.[String(part)], json)
  return Object.keys(at?.properties ?? {}).filter((key) => key !== '$schema')
}

/** JSON Schema (draft 2020-12) of signalbox.yaml, for editors. */
export const configJsonSchema = (): object => ({
  ...json,
  $id: SCHEMA_ID,
  title: 'signalbox configuration',
  description: 'signalbox.yaml in a repository, or config.yaml under $XDG_CONFIG_HOME/signalbox.',
})

const setAt = (target: Record<string, unknown>, [first = '', ...rest]: readonly string[], value: unknown): void => {
  if (rest.length === 0) target[first] = value
  else setAt((target[first] ??= {}) as Record<string, unknown>, rest, value)
}

/** @returns values as a tree; those that are undefined are left out. */
export const treeOf = (valueOf: (setting: SettingSpec) => unknown): Record<string, unknown> => {
  const tree: Record<string, unknown> = {}
  for (const setting of SETTINGS) {
    const value = valueOf(setting)
    if (value !== undefined) setAt(tree, setting.path, value)
  }
  return tree
}

/** @param valueOf gives each setting a value that was checked */
export const settingsFrom = (valueOf: (setting: SettingSpec) => unknown): Settings => treeOf(valueOf) as unknown as Settings

export const DEFAULT_SETTINGS: Settings = settingsFrom((setting) => setting.default)
