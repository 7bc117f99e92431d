import { argumentText, type CommandSpec, inGroup, type OptionSpec, optionText, usageOf } from './command-spec.ts'
import { COMMANDS } from './command-table.ts'

export const ABOUT = 'Supervises the terminals, lanes and commands that coding agents run on a machine.'
export const EXIT_HELP =
  'Exit codes: 0 success, 1 something failed, 2 wrong usage or plan, 3 not found, 4 the machine lacks something, 130 interrupted.'

const HELP: OptionSpec = { flag: 'help', short: 'h', about: 'show help' }
const VERSION: OptionSpec = { flag: 'version', short: 'V', about: 'print the version' }

const rows = (title: string, entries: readonly (readonly [string, string])[]): readonly string[] => {
  if (entries.length === 0) return []
  const width = Math.max(...entries.map(([left]) => left.length))
  return ['', `${title}:`, ...entries.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd())]
}

/** What an option does, with its choices and default. */
export const optionAbout = ({ about, choices, default: value }: OptionSpec): string => {
  const notes = [
    ...(choices === undefined ? [] : [choices.join(', ')]),
    ...(value === undefined ? [] : [`default: ${JSON.stringify(value)}`]),
  ]
  return notes.length === 0 ? about : `${about} (${notes.join('; ')})`
}

const argumentAbout = ({ about, choices }: { readonly about: string; readonly choices?: readonly string[] }): string =>
  choices === undefined ? about : `${about} (${choices.join(', ')})`

const commandHelp = (spec: CommandSpec): readonly string[] => [
  `Usage: ${usageOf(spec)}`,
  '',
  spec.about,
  ...rows(
    'Arguments',
    (spec.args ?? []).map((argument) => [argument.name, argumentAbout(argument)]),
  ),
  ...rows(
    'Options',
    [...(spec.options ?? []), HELP].map((option) => [optionText(option), optionAbout(option)]),
  ),
  ...(spec.details === undefined ? [] : [spec.details]),
]

const listOf = (commands: readonly CommandSpec[]): readonly (readonly [string, string])[] =>
  commands
    .filter(({ hidden }) => hidden !== true)
    .map(({ name, args = [], about }) => [[name, ...args.map(argumentText)].join(' '), about] as const)

/** @param of the name of a command or group; null for all. */
export const helpText = (of: string | null): string => {
  const spec = COMMANDS.find(({ name }) => name === of)
  if (spec !== undefined) return `${commandHelp(spec).join('\n')}\n`
  const group = of === null ? COMMANDS : inGroup(COMMANDS, of)
  const lines = [
    `Usage: signalbox ${of === null ? '' : `${of} `}<command> [options]`,
    ...(of === null ? ['', ABOUT] : []),
    ...rows('Commands', listOf(group)),
    ...(of === null
      ? [
          ...rows(
            'Options',
            [VERSION, HELP].map((option) => [optionText(option), option.about]),
          ),
          '',
          'signalbox help <command> shows the options of one.',
          '',
          EXIT_HELP,
        ]
      : []),
  ]
  return `${lines.join('\n')}\n`
}
