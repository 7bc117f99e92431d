import { type ArgumentSpec, type CommandSpec, type Completes, firstWords, inGroup, type OptionSpec } from './command-spec.ts'

/** Asks the running system, or its records, for names. */
export type LiveNames = (kind: Exclude<Completes, 'files'>) => Promise<readonly string[]>

/** The shell completes file names itself. */
const FILES = ':files'

type Candidate = readonly [text: string, about: string]

const fromSpec = async (spec: ArgumentSpec | OptionSpec | undefined, live: LiveNames): Promise<readonly Candidate[] | typeof FILES> => {
  if (spec?.choices !== undefined) return spec.choices.map((choice) => [choice, ''])
  if (spec?.completes === undefined) return []
  if (spec.completes === 'files') return FILES
  return (await live(spec.completes)).map((name) => [name, ''])
}

const aboutWord = (commands: readonly CommandSpec[], word: string): string =>
  commands.find(({ name }) => name === word)?.about ??
  inGroup(commands, word)
    .map(({ name }) => name.split(' ')[1])
    .join(', ')

const optionsOf = ({ options = [] }: CommandSpec): readonly Candidate[] => [
  ...options.map((option) => [`--${option.flag}`, option.about] as const),
  ['--help', 'show help'],
]

/** The argument that comes next, after options and their values are taken away. */
const argumentAfter = (spec: CommandSpec, words: readonly string[]): ArgumentSpec | undefined => {
  let count = 0
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    if (!word.startsWith('-')) count += 1
    else if (spec.options?.some((option) => option.value !== undefined && word === `--${option.flag}`) === true) index += 1
  }
  return spec.args?.[count] ?? (spec.args?.at(-1)?.variadic === true ? spec.args.at(-1) : undefined)
}

const afterCommand = async (spec: CommandSpec, words: readonly string[], current: string, live: LiveNames) => {
  const before = words.at(-1) ?? ''
  const open = spec.options?.find((option) => option.value !== undefined && before === `--${option.flag}`)
  if (open !== undefined) return fromSpec(open, live)
  const [, flag, start] = /^--([^=]+)=(.*)$/su.exec(current) ?? []
  if (flag !== undefined && start !== undefined) {
    const values = await fromSpec(
      spec.options?.find((option) => option.flag === flag),
      live,
    )
    return values === FILES ? values : values.map(([text, about]) => [`--${flag}=${text}`, about] as const)
  }
  if (current.startsWith('-')) return optionsOf(spec)
  return fromSpec(argumentAfter(spec, words), live)
}

const listed = ({ hidden }: CommandSpec): boolean => hidden !== true

const found = async (
  commands: readonly CommandSpec[],
  before: readonly string[],
  current: string,
  live: LiveNames,
): Promise<readonly Candidate[] | typeof FILES> => {
  const [first = '', second = ''] = before
  if (before.length === 0) {
    if (current.startsWith('-'))
      return [
        ['--help', 'show help'],
        ['--version', 'print the version'],
      ]
    return firstWords(commands).map((word) => [word, aboutWord(commands, word)])
  }
  if (first === 'help' && before.length === 1) return firstWords(commands).map((word) => [word, aboutWord(commands, word)])
  const words = first === 'help' ? before.slice(1) : before
  const group = inGroup(commands, words[0] ?? '').filter(listed)
  if (group.length > 0 && words.length === 1) return group.map(({ name, about }) => [name.split(' ')[1] ?? name, about])
  if (first === 'help') return []
  const spec = commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first)
  if (spec === undefined) return []
  return afterCommand(spec, before.slice(spec.name.split(' ').length), current, live)
}

/**
 * What may stand where the cursor is.
 * @param words after `signalbox`; the last is the one that is being typed, perhaps empty
 */
export const candidates = async (
  commands: readonly CommandSpec[],
  words: readonly string[],
  live: LiveNames,
): Promise<readonly string[]> => {
  // bash makes `--keep=x` three words
  const joined = words.filter((word, index) => word !== '=' || index === words.length - 1)
  const current = joined.at(-1) === '=' ? '' : (joined.at(-1) ?? '')
  const result = await found(commands, joined.slice(0, -1), current, live)
  if (result === FILES) return [FILES]
  return result.filter(([text]) => text.startsWith(current)).map(([text, about]) => (about === '' ? text : `${text}\t${about}`))
}
