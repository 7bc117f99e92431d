/** Words of a shell command that say little about it: they are looked past. */
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/
const PLAIN = /^[A-Za-z0-9._:@+/-]+$/
const MAX_WORDS = 3
const MAX_LENGTH = 32

const baseName = (word: string): string => word.slice(word.lastIndexOf('/') + 1)

const sanitised = (words: readonly string[]): string =>
  words
    .join('-')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/-[-.]+|\.+-/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, MAX_LENGTH)
    .replace(/[-.]+$/, '')

/**
 * A name for a command that has none: the program and up to two words after it, as far as they are neither options nor
 * special to the shell.
 * @example nameOf('npm run test -- --watch') // 'npm-run-test'
 */
export const nameOf = (run: string | readonly string[]): string => {
  const words = typeof run === 'string' ? run.slice(0, 1_000).trim().split(/\s+/) : run
  const start = typeof run === 'string' ? words.findIndex((word) => !ASSIGNMENT.test(word)) : 0
  const [program = '', ...rest] = start < 0 ? words : words.slice(start)
  const end = rest.findIndex((word) => !PLAIN.test(word) || word.startsWith('-'))
  const following = PLAIN.test(program) ? rest.slice(0, end < 0 ? rest.length : end).slice(0, MAX_WORDS - 1) : []
  return sanitised([baseName(program), ...following]) || 'command'
}

/**
 * Fills in the names that are missing, in order: `npm-ci`, `npm-ci-2`. Names that were given stay as they are; case does
 * not count, because names become names of files.
 */
export const withNames = <C extends { readonly name?: string | undefined; readonly run: string | readonly string[] }>(
  commands: readonly C[],
): (C & { readonly name: string })[] => {
  const taken = new Set(commands.flatMap(({ name }) => (name === undefined ? [] : [name.toLowerCase()])))
  const counts = new Map<string, number>()
  return commands.map((command) => {
    if (command.name !== undefined) return { ...command, name: command.name }
    const stem = nameOf(command.run)
    let count = counts.get(stem) ?? 1
    let name = stem
    while (taken.has(name.toLowerCase())) name = `${stem}-${++count}`
    counts.set(stem, count)
    taken.add(name.toLowerCase())
    return { ...command, name }
  })
}
