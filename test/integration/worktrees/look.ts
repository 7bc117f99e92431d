import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { git, gitTestEnv } from '../../helpers/git-repo.ts'

const run = promisify(execFile)

/**
 * Every file below, as bytes and modes; what git keeps in `.git` files is of the place.
 * @param except paths of files that do not count, one character a byte
 */
export const filesOf = async (top: Buffer, except: ReadonlySet<string> = new Set(), at: Buffer = Buffer.alloc(0)): Promise<string[]> => {
  const join2 = (...parts: Buffer[]): Buffer =>
    Buffer.concat(parts.flatMap((part, index) => (index === 0 || part.length === 0 ? [part] : [Buffer.from('/'), part])))
  const here = join2(top, at)
  const rows: string[] = []
  const entries = await readdir(here, { withFileTypes: true, encoding: 'buffer' })
  if (entries.length === 0) rows.push(`${at.toString('latin1')}/ empty`)
  for (const entry of entries) {
    const path = at.length === 0 ? entry.name : join2(at, entry.name)
    if (entry.name.toString() === '.git') continue
    const place = join2(top, path)
    const { mode } = await lstat(place)
    const name = path.toString('latin1')
    if (except.has(name)) continue
    if (entry.isDirectory()) {
      const below = await filesOf(top, except, path)
      if (below.length > 0) rows.push(`${name}/ ${mode.toString(8)}`, ...below)
    } else if (entry.isSymbolicLink()) rows.push(`${name} -> ${(await readlink(place, { encoding: 'buffer' })).toString('latin1')}`)
    else
      rows.push(
        `${name} ${mode.toString(8)} ${createHash('sha256')
          .update(await readFile(place))
          .digest('hex')}`,
      )
  }
  return rows.toSorted()
}

const told = (cwd: string, ...args: string[]): Promise<string> =>
  git(cwd, ...args).catch((error: unknown) => `refused: ${String((error as { code?: unknown }).code)}`)

/** Untracked files that git ignores, one character a byte. */
export const ignoredFiles = async (path: string): Promise<ReadonlySet<string>> => {
  const { stdout } = await run('git', ['ls-files', '--others', '--ignored', '--exclude-standard', '-z'], {
    cwd: path,
    env: gitTestEnv(),
    encoding: 'latin1',
  })
  return new Set(stdout.split('\0').filter(Boolean))
}

/** What git keeps of a worktree that is not of its place: HEAD, its reflog, an operation in progress. */
const keptOf = async (path: string): Promise<readonly string[]> => {
  const directory = (await git(path, 'rev-parse', '--absolute-git-dir')).trim()
  const rows = await filesOf(Buffer.from(directory))
  return rows.filter((row) => !/^(?:index|gitdir|commondir|modules\/.*|signalbox-\S*) |\/ (?:empty|\d+)$/u.test(row))
}

/** All that can be seen of a worktree. `ignored`: whether files that git ignores count. */
export const look = async (
  path: string,
  branch: string,
  submodules: readonly string[] = [],
  { ignored = true }: { readonly ignored?: boolean } = {},
): Promise<Readonly<Record<string, unknown>>> => ({
  files: await filesOf(Buffer.from(path), ignored ? undefined : await ignoredFiles(path)),
  kept: await keptOf(path),
  index: await told(path, 'ls-files', '--stage', '-v', '-z'),
  undo: await told(path, 'ls-files', '--resolve-undo', '-z'),
  status: await told(path, 'status', '--porcelain=v2', '--branch', '-z', ...(ignored ? ['--ignored'] : [])),
  head: await told(path, 'rev-parse', 'HEAD'),
  symbolic: await told(path, 'symbolic-ref', 'HEAD'),
  tip: await told(path, 'rev-parse', '--verify', `refs/heads/${branch}`),
  merge: await told(path, 'rev-parse', '--verify', 'MERGE_HEAD'),
  reflog: await told(path, 'reflog', 'show', '--format=%H %gs', 'HEAD'),
  log: await told(path, 'reflog', 'show', '--format=%H %gs', `refs/heads/${branch}`, '--'),
  stashes: await told(path, 'stash', 'list', '--format=%H %gs'),
  config: await told(path, 'config', '--get-regexp', `^branch\\.${branch}\\.`),
  modules: await Promise.all(
    submodules.map(async (module) => [
      await told(join(path, module), 'log', '--all', '--format=%H %s'),
      await told(join(path, module), 'status', '--porcelain=v2', '--branch', '-z'),
      await told(join(path, module), 'stash', 'list'),
    ]),
  ),
})
