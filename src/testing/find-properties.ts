import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { SignalboxError } from '../protocols/errors.ts'

const FILE = /\.prop\.[cm]?[jt]s$/
const LEFT_OUT = new Set(['node_modules', 'dist', 'coverage'])
/** Without one, a file exports nothing: such as a test whose name ends alike. */
const EXPORT = /^\s*export\s|\bmodule\.exports\b/m

const below = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name)
      if (entry.isDirectory()) return entry.name.startsWith('.') || LEFT_OUT.has(entry.name) ? [] : below(path)
      return entry.isFile() && FILE.test(entry.name) && EXPORT.test(readFileSync(path, 'utf8')) ? [path] : []
    })

/**
 * Files named *.prop.ts, *.prop.js and so on that export something.
 * @param paths files, taken as they are, and directories, relative to `cwd`; links and node_modules are not followed
 * @throws ERR_PROPERTIES_NOT_FOUND when a path is not there, or there is no such file
 */
export const findPropertyFiles = (paths: readonly string[], cwd: string): readonly string[] => {
  const files = paths.flatMap((path) => {
    const full = resolve(cwd, path)
    const stat = statSync(full, { throwIfNoEntry: false })
    if (stat === undefined)
      throw new SignalboxError('ERR_PROPERTIES_NOT_FOUND', `${path}: no such file or directory`, { context: { path } })
    return stat.isDirectory() ? below(full) : [full]
  })
  if (files.length > 0) return [...new Set(files)]
  throw new SignalboxError('ERR_PROPERTIES_NOT_FOUND', `no *.prop.ts or *.prop.js that exports something in ${paths.join(', ')}`, {
    context: { paths },
  })
}

/** Where the counterexamples of a file lie: in the nearest `corpus` directory up to `cwd`, else in one beside it. */
export const corpusOf = (file: string, cwd: string): string => {
  for (let directory = dirname(file); directory.startsWith(cwd); directory = dirname(directory)) {
    if (existsSync(join(directory, 'corpus'))) return join(directory, 'corpus')
    if (directory === dirname(directory)) break
  }
  return join(dirname(file), 'corpus')
}
