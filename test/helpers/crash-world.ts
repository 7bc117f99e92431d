import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CrashTask } from './crash-point.ts'
import { git, gitTestEnv } from './git-repo.ts'

const CHILD = fileURLToPath(new URL('crash-child.ts', import.meta.url))

/** What the main working tree of every world holds beside its commits: nobody may touch it. */
const OWN_FILES = { 'file-1.txt': 'edited by its user\n', 'notes.txt': 'not committed\n' }

/** A repository of its own with a state directory of its own, as awkwardly named as users' are. */
export type World = {
  readonly base: string
  readonly root: string
  readonly lanes: string
  readonly stateHome: string
  git(...args: readonly string[]): Promise<string>
  cleanup(): Promise<void>
}

const worldAt = (base: string): World => {
  const root = join(base, 'my répo')
  return {
    base,
    root,
    lanes: `${root}.lanes`,
    stateHome: join(base, 'state home'),
    git: (...args) => git(root, ...args),
    cleanup: () => rm(base, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** Makes a repository with two commits, work that its user has not committed, and a worktree and branches of his own. */
export const makeWorld = async (): Promise<World> => {
  const world = worldAt(await realpath(await mkdtemp(join(tmpdir(), 'signalbox-crash-'))))
  await mkdir(world.root)
  await world.git('init', '-q', '-b', 'main')
  for (const [name, text] of [
    ['file-1.txt', 'one\n'],
    ['file-2.txt', 'two\n'],
  ] as const) {
    await writeFile(join(world.root, name), text)
    await world.git('add', '--', name)
    await world.git('commit', '-q', '-m', name)
  }
  await world.git('branch', 'topic')
  await world.git('branch', 'signalbox/my-own')
  await world.git('worktree', 'add', '-q', join(world.base, 'own'), '-b', 'own')
  await writeFile(join(world.base, 'own', 'draft.txt'), 'own draft\n')
  for (const [name, text] of Object.entries(OWN_FILES)) await writeFile(join(world.root, name), text)
  return world
}

/** A copy of a world. git's links between worktrees are absolute: `git worktree repair` would repair those of the template. */
export const copyWorld = async (template: World): Promise<World> => {
  const world = worldAt(await realpath(await mkdtemp(join(tmpdir(), 'signalbox-crash-'))))
  await cp(template.base, world.base, { recursive: true })
  await writeFile(join(world.root, '.git', 'worktrees', 'own', 'gitdir'), `${join(world.base, 'own', '.git')}\n`)
  await writeFile(join(world.base, 'own', '.git'), `gitdir: ${join(world.root, '.git', 'worktrees', 'own')}\n`)
  return world
}

export type CrashResult = {
  readonly hit: string | null
  readonly finished: unknown
  readonly signal: string | null
  readonly stderr: string
}

/** Runs a plan in a process of its own. Resolves when that process, not what it started, has ended. */
export const runChild = (task: CrashTask, env: Readonly<Record<string, string>> = {}): Promise<CrashResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, JSON.stringify(task)], {
      env: { ...gitTestEnv(), NODE_COMPILE_CACHE: join(tmpdir(), 'signalbox-compile-cache'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()))
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
    child.on('error', reject)
    child.on('exit', (_code, signal) => {
      // One turn for what is in the pipes already; their end may wait for processes that were left behind.
      setTimeout(() => {
        const last = stdout.split('\n').findLast((line) => line.startsWith('{')) ?? '{}'
        const { hit, finished } = JSON.parse(last) as { hit?: string; finished?: unknown }
        resolve({ hit: hit ?? null, finished: finished ?? null, signal, stderr })
      }, 20)
    })
  })

/** Processes whose environment names this workspace, by /proc alone. */
export const markedProcesses = async (workspaceId: string): Promise<readonly number[]> => {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const environ = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '')
    if (environ.split('\0').some((entry) => entry.startsWith(`SIGNALBOX_MARK=${workspaceId}/`))) found.push(Number(name))
  }
  return found
}

export const workspaceIdOf = async (world: World): Promise<string> =>
  (await readFile(join(world.root, '.git', 'signalbox', 'workspace'), 'utf8')).trim()

const blobId = (bytes: Buffer): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

const filesUnder = async (directory: string): Promise<readonly string[]> =>
  (await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Everything of value outside git's own directory, and every commit that something reaches. */
export type Ground = { readonly files: ReadonlyMap<string, string>; readonly commits: ReadonlySet<string> }

const worktreePaths = async (world: World): Promise<readonly string[]> =>
  (await world.git('worktree', 'list', '--porcelain', '-z'))
    .split('\0')
    .filter((line) => line.startsWith('worktree '))
    .map((line) => line.slice(9))

/** Looks at the ground with git and the file system alone. */
export const survey = async (world: World): Promise<Ground> => {
  const files = new Map<string, string>()
  for (const directory of [world.root, world.lanes, join(world.base, 'own')]) {
    for (const path of await filesUnder(directory)) {
      if (relative(world.root, path).startsWith('.git/') || path.endsWith('/.git')) continue
      const bytes = await readFile(path).catch(() => null)
      if (bytes !== null) files.set(path, blobId(bytes))
    }
  }
  const commits = new Set((await world.git('rev-list', '--all')).split('\n').filter(Boolean))
  for (const path of await worktreePaths(world)) {
    const head = await git(path, 'rev-list', 'HEAD').catch(() => '')
    for (const commit of head.split('\n').filter(Boolean)) commits.add(commit)
  }
  return { files, commits }
}

/** @returns what of `before` is lost now: files whose bytes are nowhere, commits that no ref reaches. */
export const lost = async (world: World, before: Ground): Promise<readonly string[]> => {
  const now = await survey(world)
  const objects = new Set((await world.git('rev-list', '--objects', '--all')).split('\n').map((line) => line.split(' ')[0] ?? ''))
  const own = (path: string): boolean => !path.startsWith(`${world.lanes}/`)
  // In a lane, a file whose bytes are committed is not lost with the worktree; elsewhere nothing may change at all.
  const files = [...before.files].filter(([path, blob]) => now.files.get(path) !== blob && (own(path) || !objects.has(blob)))
  const reachable = new Set((await world.git('rev-list', '--all')).split('\n'))
  const commits = [...before.commits].filter((commit) => !reachable.has(commit))
  return [...files.map(([path]) => `lost file ${path}`), ...commits.map((commit) => `lost commit ${commit}`)]
}

/** @returns worktrees, directories and branches that nothing accounts for. @param left paths reported as left, with a reason */
export const unaccounted = async (world: World, left: ReadonlySet<string>): Promise<readonly string[]> => {
  const problems: string[] = []
  const worktrees = await worktreePaths(world)
  const known = new Set([world.root, join(world.base, 'own')])
  for (const path of worktrees) if (!known.has(path) && !left.has(path)) problems.push(`worktree ${path} is not accounted for`)
  for (const name of await readdir(world.lanes).catch(() => [])) {
    const path = join(world.lanes, name)
    if (!left.has(path)) problems.push(`directory ${path} is not accounted for`)
  }
  for (const name of await readdir(join(world.root, '.git', 'worktrees')).catch(() => [])) {
    const gitdir = await readFile(join(world.root, '.git', 'worktrees', name, 'gitdir'), 'utf8').catch(() => '')
    if (!worktrees.some((path) => gitdir.trim() === join(path, '.git'))) problems.push(`git's entry worktrees/${name} describes nothing`)
  }
  const refs = await world.git('for-each-ref', '--format=%(refname:short)%00%(worktreepath)', 'refs/heads')
  for (const line of refs.split('\n').filter(Boolean)) {
    const [name = '', worktree = ''] = line.split('\0')
    if (['main', 'topic', 'own', 'signalbox/my-own'].includes(name) || left.has(worktree)) continue
    const commits = Number(await world.git('rev-list', '--count', name, '--not', 'main'))
    if (commits === 0) problems.push(`branch ${name} holds nothing and belongs to no worktree`)
  }
  for (const name of ['main', 'topic', 'own', 'signalbox/my-own']) {
    if ((await world.git('branch', '--list', name)) === '') problems.push(`the user's branch ${name} is gone`)
  }
  return problems
}
