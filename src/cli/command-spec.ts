import type { Io } from './io.ts'

/** Names that a shell can complete. `files`: by the shell itself; the others come from the running system. */
export type Completes = 'files' | 'actors' | 'lanes' | 'runs' | 'settings' | 'open-lanes' | 'removed-lanes' | 'terminals'

export type ArgumentSpec = {
  readonly name: string
  readonly about: string
  readonly optional?: boolean
  /** Takes all that follow; only the last may. */
  readonly variadic?: boolean
  readonly choices?: readonly string[]
  readonly completes?: Completes
}

export type OptionSpec = {
  /** Without the dashes: `dry-run`. Handed to the command in camel case. */
  readonly flag: string
  /** One letter. */
  readonly short?: string
  /** What stands for its value in help; a switch has none. */
  readonly value?: string
  readonly about: string
  /** May be given more than once: the command gets a list. */
  readonly multiple?: boolean
  readonly choices?: readonly string[]
  /** Makes the value of its text. @throws RangeError with the rule that was broken */
  readonly parse?: (text: string) => unknown
  readonly default?: unknown
  readonly completes?: Completes
}

export type Options = Readonly<Record<string, unknown>>
export type Action = (args: readonly string[], options: Options, io: Io) => Promise<number>

/** One command. Help, completion, the man page and docs/reference/cli.md are made from what it says of itself. */
export type CommandSpec = {
  /** One word, or two for a command of a group: `config explain`. */
  readonly name: string
  readonly about: string
  readonly args?: readonly ArgumentSpec[]
  readonly options?: readonly OptionSpec[]
  /** Stands below the options: shapes of `--json`, exit codes of its own. */
  readonly details?: string
  /** Neither listed nor completed. */
  readonly hidden?: boolean
  /** Loads the code of the command, and only that, when it runs. */
  readonly load: () => Promise<Action>
}

const camel = (flag: string): string => flag.replace(/-(\w)/gu, (_, letter: string) => letter.toUpperCase())
export const keyOf = ({ flag }: OptionSpec): string => camel(flag)

/** `--keep <which>`, `-f, --follow`. */
export const optionText = ({ flag, short, value }: OptionSpec): string =>
  `${short === undefined ? '' : `-${short}, `}--${flag}${value === undefined ? '' : ` <${value}>`}`

/** `<plan>`, `[paths...]`. */
export const argumentText = ({ name, optional, variadic }: ArgumentSpec): string => {
  const text = variadic === true ? `${name}...` : name
  return optional === true ? `[${text}]` : `<${text}>`
}

export const usageOf = ({ name, args = [], options = [] }: CommandSpec): string =>
  ['signalbox', name, ...(options.length > 0 ? ['[options]'] : []), ...args.map(argumentText)].join(' ')

/** Names of commands and groups that may stand first, hidden ones left out. */
export const firstWords = (commands: readonly CommandSpec[]): readonly string[] => [
  ...new Set(commands.filter(({ hidden }) => hidden !== true).map(({ name }) => name.split(' ')[0] ?? name)),
  'help',
]

export const inGroup = (commands: readonly CommandSpec[], group: string): readonly CommandSpec[] =>
  commands.filter(({ name }) => name.startsWith(`${group} `))
