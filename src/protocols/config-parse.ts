import { layerIssues, NUMERIC_SETTINGS, settingKeysAt } from './config.schema.ts'
import { type Dialect, findingsOf, planError, type PlanPath, quoted } from './plan-parse-problems.ts'
import { inOrder, inPlace } from './plan-parse.ts'
import { readPlanText, type TextPosition } from './plan-parse-yaml.ts'

/** What one file says. */
export type ConfigFile = {
  readonly value: Readonly<Record<string, unknown>>
  readonly locate: (path: PlanPath) => TextPosition
}

/** Longer texts are no configuration. */
const MAX_CHARACTERS = 100_000

export const CONFIG_DIALECT: Dialect = {
  noun: 'the configuration',
  invalid: 'ERR_CONFIG_INVALID',
  unknownKey: 'ERR_CONFIG_UNKNOWN_KEY',
  keysAt: settingKeysAt,
}

/**
 * Reads a configuration file: YAML 1.2 or JSON; an empty one says nothing. Reads no file.
 * @param name stands in the messages
 * @throws ERR_CONFIG_SYNTAX, ERR_CONFIG_UNKNOWN_KEY, ERR_CONFIG_INVALID: the first problem, all others listed with it
 */
export const parseConfig = (text: string, name: string): ConfigFile => {
  const fail = (code: 'ERR_CONFIG_SYNTAX' | 'ERR_CONFIG_INVALID', problems: readonly (TextPosition & { text: string })[]): never => {
    throw planError(problems.map((problem) => inPlace(name, { code, path: [], text: problem.text }, problem)))
  }
  if (text.length > MAX_CHARACTERS)
    return fail('ERR_CONFIG_INVALID', [{ line: 1, column: 1, text: `the configuration is longer than ${MAX_CHARACTERS} characters` }])
  const read = readPlanText(text, NUMERIC_SETTINGS)
  if ('syntax' in read) return fail('ERR_CONFIG_SYNTAX', read.syntax)
  const { value, locate, findings: twice } = read.text
  if (value === null) return { value: {}, locate }
  const findings = [
    ...twice.map((finding) => ({
      ...finding,
      code: 'ERR_CONFIG_INVALID' as const,
      text: `${quoted(String(finding.path.at(-1)))} is there twice; remove one`,
    })),
    ...findingsOf(layerIssues(value), value, CONFIG_DIALECT),
  ]
  if (findings.length > 0)
    throw planError(findings.map((finding) => inPlace(name, finding, locate(finding.path, finding.key))).toSorted(inOrder))
  return { value: value as ConfigFile['value'], locate }
}
