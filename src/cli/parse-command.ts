import { nearest } from '../protocols/suggest.ts'
import { argumentText, type CommandSpec, firstWords, inGroup, keyOf, type OptionSpec, type Options } from './command-spec.ts'
import { COMMANDS } from './command-table.ts'

/** The command line is wrong, in words. */
export class UsageProblem extends Error {}

const suggestion = (word: string, candidates: readonly string[]): string => {
  const meant = nearest(word, candidates)
  return meant === undefined ? '' : `; did you mean ${meant}?`
}

/** What a command line asks for. */
export type Asked =
  | { readonly kind: 'help'; readonly of: string | null; readonly wanted: boolean }
  | { readonly kind: 'command'; readonly spec: CommandSpec; readonly args: readonly string[]; readonly options: Options }

/** @returns the command that the first words name, and the words after it; null for a group or nothing. */
const findCommand = (words: readonly string[]): { readonly spec: CommandSpec; readonly rest: readonly string[] } | null => {
  const [first = '', second = ''] = words
  const two = COMMANDS.find(({ name }) => name === `${first} ${second}`)
  if (two !== undefined) return { spec: two, rest: words.slice(2) }
  const one = COMMANDS.find(({ name }) => name === first)
  if (one !== undefined) return { spec: one, rest: words.slice(1) }
  const group = inGroup(COMMANDS, first)
  if (group.length === 0) throw new UsageProblem(`unknown command '${first}'${suggestion(first, firstWords(COMMANDS))}`)
  if (second === '' || second.startsWith('-')) return null
  const names = group.map(({ name }) => name.slice(first.length + 1))
  throw new UsageProblem(`unknown command '${first} ${second}'${suggestion(second, names) || `; ${first} has ${names.join(', ')}`}`)
}

const findOption = (spec: CommandSpec, word: string): OptionSpec => {
  const options = spec.options ?? []
  const found = options.find(({ flag, short }) => word === `--${flag}` || (short !== undefined && word === `-${short}`))
  if (found !== undefined) return found
  const meant = suggestion(
    word,
    options.map(({ flag }) => `--${flag}`),
  )
  const after = meant === '' && spec.args?.at(-1)?.variadic === true ? '; what is not for signalbox goes after --' : ''
  throw new UsageProblem(`unknown option '${word}'${meant}${after}`)
}

const valueOf = (option: OptionSpec, text: string): unknown => {
  const wrong = (rule: string): UsageProblem => new UsageProblem(`--${option.flag} is '${text}'; ${rule}`)
  if (option.choices !== undefined && !option.choices.includes(text)) {
    throw wrong(`it must be one of ${option.choices.join(', ')}${suggestion(text, option.choices)}`)
  }
  try {
    return option.parse === undefined ? text : option.parse(text)
  } catch (error) {
    throw error instanceof RangeError ? wrong(error.message) : error
  }
}

const checkArguments = ({ name, args = [] }: CommandSpec, given: readonly string[]): void => {
  const missing = args.find(({ optional }, index) => optional !== true && given[index] === undefined)
  if (missing !== undefined) throw new UsageProblem(`missing required argument '${missing.name}' of ${name}`)
  if (args.at(-1)?.variadic !== true && given.length > args.length) {
    const takes = args.length === 0 ? 'none' : args.map(argumentText).join(' ')
    throw new UsageProblem(`too many arguments: ${name} takes ${takes}, and '${given[args.length]}' is one more`)
  }
  for (const [index, { name: argument, choices }] of args.entries()) {
    const text = given[index]
    if (text !== undefined && choices !== undefined && !choices.includes(text)) {
      throw new UsageProblem(`${argument} is '${text}'; it must be one of ${choices.join(', ')}${suggestion(text, choices)}`)
    }
  }
}

/** @throws UsageProblem */
const parseRest = (spec: CommandSpec, words: readonly string[]): Asked => {
  const args: string[] = []
  const options: Record<string, unknown> = Object.fromEntries(
    (spec.options ?? []).flatMap((option) => (option.default === undefined ? [] : [[keyOf(option), option.default]])),
  )
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    if (word === '--') {
      args.push(...words.slice(index + 1))
      break
    }
    if (word === '--help' || word === '-h') return { kind: 'help', of: spec.name, wanted: true }
    if (!word.startsWith('-') || word === '-') {
      args.push(word)
      continue
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1
    const option = findOption(spec, equals < 0 ? word : word.slice(0, equals))
    if (option.value === undefined) {
      if (equals >= 0) throw new UsageProblem(`--${option.flag} takes no value`)
      options[keyOf(option)] = true
      continue
    }
    const text = equals < 0 ? words[(index += 1)] : word.slice(equals + 1)
    if (text === undefined || (equals < 0 && text.startsWith('--'))) {
      throw new UsageProblem(`--${option.flag} needs a value: --${option.flag} <${option.value}>`)
    }
    const key = keyOf(option)
    const value = valueOf(option, text)
    options[key] = option.multiple === true ? [...((options[key] as readonly unknown[] | undefined) ?? []), value] : value
  }
  checkArguments(spec, args)
  return { kind: 'command', spec, args, options }
}

/**
 * @param argv without node and script
 * @throws UsageProblem
 */
export const parseCommand = (argv: readonly string[]): Asked => {
  const [first] = argv
  if (first === undefined) return { kind: 'help', of: null, wanted: false }
  if (first === '--help' || first === '-h') return { kind: 'help', of: null, wanted: true }
  if (first === 'help') {
    const [, ...words] = argv
    if (words.length === 0) return { kind: 'help', of: null, wanted: true }
    return { kind: 'help', of: findCommand(words)?.spec.name ?? words[0] ?? null, wanted: true }
  }
  if (first.startsWith('-')) throw new UsageProblem(`unknown option '${first}'${suggestion(first, ['--help', '--version'])}`)
  const found = findCommand(argv)
  if (found !== null) return parseRest(found.spec, found.rest)
  const wanted = argv[1] === '--help' || argv[1] === '-h'
  if (argv[1] !== undefined && !wanted) throw new UsageProblem(`unknown option '${argv[1]}' of ${first}`)
  return { kind: 'help', of: first, wanted }
}
