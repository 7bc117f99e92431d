import { execFile } from 'node:child_process'
import { appendFile, chmod, lstat, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { git, gitTestEnv } from '../test/helpers/git-repo.ts'

/** A path in a worktree, one character a byte. */
type Name = string

/** What somebody does in a worktree. What cannot be done where it is done is left out. */
export type Act =
  | { readonly act: 'write' | 'append'; readonly at: Name; readonly bytes: string }
  | { readonly act: 'link' | 'rename'; readonly at: Name; readonly to: Name }
  | { readonly act: 'mode'; readonly at: Name; readonly mode: number }
  | { readonly act: 'delete' | 'directory' | 'add' | 'untrack' | 'intend' | 'assume' | 'skip'; readonly at: Name }
  | { readonly act: 'commit' | 'amend' | 'stash' | 'detach' | 'merge' }

const utf8 = (text: string): Name => Buffer.from(text).toString('latin1')

const NAMES: readonly Name[] = [
  'file-1.txt',
  'file-2.txt',
  'file-3.txt',
  'a.id',
  'run',
  'link',
  'dir',
  'dir/inside',
  'dir/deep/er',
  'file-1.txt/below',
  'empty/in it',
  'with space',
  ' leading and trailing ',
  'line\nbreak1',
  'tab\there',
  'it\'s "quoted"',
  'back\\slash\\n',
  '-dash',
  '--',
  ':(top)x',
  '*',
  utf8('grüße — 你好'),
  'not utf-8 \xff\xfe\x80',
  'not utf-8 dir \xff/x',
  'constructor',
  '__proto__',
  'toString',
  'lane.json',
  'a.ignored',
  'built/x',
  'built/deep/y',
]
const CONTENTS: readonly string[] = [
  '',
  '\n',
  'text\n',
  'no line feed at the end',
  'carriage\r\nreturns\r\n',
  '$Id$\n',
  '\0binary\xff\xfe\r\n\0',
  'done\nM 100644 inline x\ndata 3\n',
  'x'.repeat(70_000),
  'many\r\n'.repeat(50_000),
]
const TARGETS: readonly string[] = ['file-1.txt', 'dir', 'no/where', '..', '/', 'link', 'not utf-8 \xff']
const MODES: readonly number[] = [0o755, 0o600, 0o444, 0o640, 0o700]

const at = fc.constantFrom(...NAMES)
const bytes = fc.constantFrom(...CONTENTS)
export const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant('write' as const), at, bytes }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('append' as const), at, bytes }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('link' as const), at, to: fc.constantFrom(...TARGETS) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('rename' as const), at, to: at }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('mode' as const), at, mode: fc.constantFrom(...MODES) }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constantFrom('delete' as const, 'directory' as const), at }) },
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constantFrom(...(['add', 'add', 'add', 'untrack', 'intend', 'assume', 'skip'] as const)),
      at,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constantFrom('commit' as const, 'amend' as const, 'stash' as const, 'detach' as const, 'merge' as const),
    }),
  },
)

const place = (top: string, name: Name): Buffer => Buffer.concat([Buffer.from(`${top}/`), Buffer.from(name, 'latin1')])

const parentsOf = (name: Name): readonly Name[] => {
  const parts = name.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** What a name is, where no link leads out of the worktree on the way to it. */
const kindOf = async (top: string, name: Name): Promise<'file' | 'directory' | 'link' | null> => {
  for (const parent of parentsOf(name)) if ((await kindOf(top, parent)) !== 'directory') return null
  const found = await lstat(place(top, name)).catch(() => null)
  if (found === null) return null
  return found.isSymbolicLink() ? 'link' : found.isDirectory() ? 'directory' : 'file'
}

/** Nothing is where the name is, and directories lead to it: what was a file becomes one. */
const makeRoom = async (top: string, name: Name): Promise<void> => {
  for (const parent of parentsOf(name)) {
    if ((await kindOf(top, parent)) !== 'directory') await rm(place(top, parent), { force: true })
    await mkdir(place(top, parent), { recursive: true })
  }
  await rm(place(top, name), { recursive: true, force: true })
}

/** git with a path that may be any bytes. */
const gitOn = async (top: string, name: Name, ...args: readonly string[]): Promise<void> => {
  const running = promisify(execFile)('git', args, { cwd: top, env: { ...gitTestEnv(), GIT_LITERAL_PATHSPECS: '1' } })
  running.child.stdin?.on('error', () => undefined).end(Buffer.from(`${name}\0`, 'latin1'))
  await running
}
const PATHS = ['--pathspec-from-file=-', '--pathspec-file-nul']

const onFiles = async (top: string, done: Act & { readonly at: Name }): Promise<void> => {
  const kind = await kindOf(top, done.at)
  const here = place(top, done.at)
  if (done.act === 'write' || done.act === 'link' || done.act === 'directory') {
    await makeRoom(top, done.at)
    if (done.act === 'write') await writeFile(here, done.bytes, 'latin1')
    else if (done.act === 'link') await symlink(Buffer.from(done.to, 'latin1'), here)
    else await mkdir(here)
  } else if (done.act === 'append') {
    if (kind === 'file') await appendFile(here, done.bytes, 'latin1')
  } else if (done.act === 'mode') {
    if (kind === 'file') await chmod(here, done.mode)
  } else if (done.act === 'delete') {
    if (kind !== null) await rm(here, { recursive: true })
  } else if (
    done.act === 'rename' &&
    kind !== null &&
    !`${done.to}/`.startsWith(`${done.at}/`) &&
    !`${done.at}/`.startsWith(`${done.to}/`)
  ) {
    await makeRoom(top, done.to)
    await rename(here, place(top, done.to))
  }
}

const onIndex = (top: string, { act: what, at: name }: Act & { readonly at: Name }): Promise<void> => {
  if (what === 'add') return gitOn(top, name, 'add', '--force', ...PATHS)
  if (what === 'intend') return gitOn(top, name, 'add', '--force', '--intent-to-add', ...PATHS)
  const option = what === 'untrack' ? '--force-remove' : what === 'assume' ? '--assume-unchanged' : '--skip-worktree'
  return gitOn(top, name, 'update-index', option, '-z', '--stdin')
}

const onHistory = async (top: string, what: Act['act']): Promise<unknown> => {
  if (what === 'commit') return git(top, 'commit', '-q', '--allow-empty', '-m', 'work')
  if (what === 'amend') return git(top, 'commit', '-q', '--amend', '--allow-empty', '-m', 'amended')
  if (what === 'detach') return git(top, 'checkout', '-q', '--detach')
  if (what === 'merge') return git(top, 'merge', '-q', 'theirs')
  // One that is made on no branch is nobody's.
  await git(top, 'symbolic-ref', '-q', 'HEAD')
  return git(top, 'stash', 'push', '-q')
}

const INDEX_ACTS: ReadonlySet<Act['act']> = new Set(['add', 'untrack', 'intend', 'assume', 'skip'])

/** Does it in the worktree at `top`. */
export const perform = async (top: string, done: Act): Promise<void> => {
  if ('at' in done && !INDEX_ACTS.has(done.act)) return onFiles(top, done)
  // git refuses much, such as a path that it does not know, or a stash of an unmerged file.
  await ('at' in done ? onIndex(top, done) : onHistory(top, done.act)).catch(() => undefined)
}
