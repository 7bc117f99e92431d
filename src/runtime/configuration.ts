import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CONFIG_DIALECT, type ConfigFile, parseConfig } from '../protocols/config-parse.ts'
import { layerIssues, SETTINGS, type SettingSpec, type Settings, settingsFrom, treeOf } from '../protocols/config.schema.ts'
import { type ErrorCode, SignalboxError } from '../protocols/errors.ts'
import { findingsOf, pathText } from '../protocols/plan-parse-problems.ts'
import { nearest } from '../protocols/suggest.ts'

/** Where a value comes from. Line and column count from 1. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'flag'; readonly name: string }

export type Explained = SettingSpec & { readonly value: unknown; readonly origin: Origin }

/** A file that may hold settings. */
export type ConfigPlace = { readonly scope: 'user' | 'repository'; readonly path: string; readonly found: boolean }

export type Configuration = {
  readonly settings: Settings
  /** Every setting, in the order of the documentation. */
  readonly explained: readonly Explained[]
  /** In the order in which they are read; a later one wins. */
  readonly files: readonly ConfigPlace[]
}

export type ConfigInput = {
  /** Top of the repository; null outside of one. */
  readonly root: string | null
  readonly env: NodeJS.ProcessEnv
  /** `lanes.place=inside`, as given with `--set`; of two for one setting the last wins. */
  readonly set?: readonly string[]
}

type Given = { readonly value: unknown; readonly origin: Origin }
type Layer = ReadonlyMap<string, Given>

/** `$XDG_CONFIG_HOME/signalbox/config.yaml`, or `~/.config/signalbox/config.yaml`. */
export const userConfigPath = (env: NodeJS.ProcessEnv): string => {
  const home = env['XDG_CONFIG_HOME']
  const base = home !== undefined && home.startsWith('/') ? home : join(env['HOME'] ?? homedir(), '.config')
  return join(base, 'signalbox', 'config.yaml')
}
export const repositoryConfigPath = (root: string): string => join(root, 'signalbox.yaml')

const readText = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new SignalboxError('ERR_CONFIG_UNREADABLE', `the configuration ${path} cannot be read (${code}); check its permissions`, {
      context: { path, errno: code },
      cause,
    })
  }
}

const valueAt = (value: unknown, [first, ...rest]: readonly string[]): unknown => {
  if (first === undefined) return value
  return typeof value === 'object' && value !== null && Object.hasOwn(value, first) ? valueAt(Reflect.get(value, first), rest) : undefined
}

const fileLayer = (path: string, { value, locate }: ConfigFile): Layer =>
  new Map(
    SETTINGS.flatMap((setting) => {
      const given = valueAt(value, setting.path)
      return given === undefined
        ? []
        : [[setting.key, { value: given, origin: { kind: 'file', file: path, ...locate(setting.path) } }] as const]
    }),
  )

const refuse = (code: ErrorCode, message: string, context: Record<string, unknown>): never => {
  throw new SignalboxError(code, message, { context })
}

/** Values that did not come from a file are checked as one layer; what is wrong is told by the name that the caller used. */
const checkValues = (layer: ReadonlyMap<string, { readonly value: unknown; readonly name: string }>): void => {
  const tree = treeOf((setting) => layer.get(setting.key)?.value)
  for (const { code, path, text } of findingsOf(layerIssues(tree), tree, CONFIG_DIALECT)) {
    const name = layer.get(pathText(path))?.name ?? pathText(path)
    refuse(code, `${name}: ${text}`, { name, setting: pathText(path) })
  }
}

const SECTIONS = new Set(SETTINGS.map(({ env }) => env.split('_')[1] ?? ''))

/** A name that begins as those of our settings do is meant for us, so one that we do not know is a mistake. */
const unknownNames = (env: NodeJS.ProcessEnv): void => {
  const known = SETTINGS.map((setting) => setting.env)
  for (const name of Object.keys(env)) {
    const [mark, section = '', rest] = name.split('_')
    if (mark !== 'SIGNALBOX' || rest === undefined || !SECTIONS.has(section) || known.includes(name)) continue
    const meant = nearest(name, known)
    refuse('ERR_CONFIG_UNKNOWN_KEY', `${name}: no such setting; ${meant === undefined ? 'remove it' : `did you mean ${meant}?`}`, { name })
  }
}

/** A text as the value of a setting. */
const valueOf = (setting: SettingSpec, text: string): unknown => {
  if (typeof setting.default === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return typeof setting.default === 'number' && /^-?\d+(\.\d+)?$/u.test(text) ? Number(text) : text
}

const environmentLayer = (env: NodeJS.ProcessEnv): Layer => {
  unknownNames(env)
  const given = SETTINGS.flatMap((setting) => {
    const text = env[setting.env]
    if (text === undefined || text === '') return []
    return [[setting.key, { value: valueOf(setting, text), name: setting.env }] as const]
  })
  checkValues(new Map(given))
  return new Map(given.map(([key, { value, name }]) => [key, { value, origin: { kind: 'environment', name } }]))
}

const flagLayer = (set: readonly string[]): Layer => {
  const given = set.map((text) => {
    const [, key = text, value] = /^([^=]*)=(.*)$/su.exec(text) ?? []
    const setting = SETTINGS.find((candidate) => candidate.key === key)
    const meant =
      setting === undefined
        ? nearest(
            key,
            SETTINGS.map((candidate) => candidate.key),
          )
        : key
    if (setting === undefined || value === undefined) {
      const advice =
        setting !== undefined ? `write --set ${key}=VALUE` : meant === undefined ? 'see signalbox config explain' : `did you mean ${meant}?`
      throw new SignalboxError(
        'ERR_CONFIG_UNKNOWN_KEY',
        `--set ${text}: ${setting === undefined ? 'no such setting' : 'it has no value'}; ${advice}`,
        {
          context: { text },
        },
      )
    }
    return [key, { value: valueOf(setting, value), name: `--set ${key}` }] as const
  })
  checkValues(new Map(given))
  return new Map(given.map(([key, { value, name }]) => [key, { value, origin: { kind: 'flag', name } }]))
}

const originText = (origin: Origin): string => {
  if (origin.kind === 'default') return 'the default'
  return origin.kind === 'file' ? `${origin.file}:${origin.line}` : origin.name
}

/** What no layer can see alone. */
const checkTogether = ({ command }: Settings, explained: readonly Explained[]): void => {
  const { minMs, maxMs } = command.backoff
  if (minMs <= maxMs) return
  const from = (key: string): string => originText(explained.find((setting) => setting.key === key)?.origin ?? { kind: 'default' })
  const [min, max] = [from('command.backoff.minMs'), from('command.backoff.maxMs')]
  refuse('ERR_CONFIG_INVALID', `command.backoff.minMs is ${minMs} (${min}), above maxMs, ${maxMs} (${max}); raise maxMs or lower minMs`, {
    minMs,
    maxMs,
  })
}

/**
 * Reads the configuration. Of a setting that is given more than once the last wins: default, user file, repository
 * file, environment, flag.
 * @throws ERR_CONFIG_UNREADABLE, ERR_CONFIG_SYNTAX, ERR_CONFIG_UNKNOWN_KEY, ERR_CONFIG_INVALID
 */
export const loadConfiguration = async ({ root, env, set = [] }: ConfigInput): Promise<Configuration> => {
  const places = [
    { scope: 'user', path: userConfigPath(env) } as const,
    ...(root === null ? [] : [{ scope: 'repository', path: repositoryConfigPath(root) } as const]),
  ]
  const files: ConfigPlace[] = []
  const layers: Layer[] = []
  for (const { scope, path } of places) {
    const text = await readText(path)
    files.push({ scope, path, found: text !== null })
    if (text !== null) layers.push(fileLayer(path, parseConfig(text, path)))
  }
  layers.push(environmentLayer(env), flagLayer(set))
  const explained = SETTINGS.map((setting): Explained => {
    const given = layers.findLast((layer) => layer.has(setting.key))?.get(setting.key)
    return { ...setting, ...(given ?? { value: setting.default, origin: { kind: 'default' } }) }
  })
  const byKey = new Map(explained.map(({ key, value }) => [key, value]))
  const settings = settingsFrom(({ key }) => byKey.get(key))
  checkTogether(settings, explained)
  return { settings, explained, files }
}
