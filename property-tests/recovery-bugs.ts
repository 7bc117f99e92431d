import type { Mutant } from './engine.ts'

const TREE = 'adapters/git/work-tree-files.ts'
const COMMIT = 'adapters/git/saved-commit.ts'
const REFS = 'adapters/git/saved-refs.ts'
const AWAY = 'adapters/git/put-away.ts'
const BACK = 'adapters/git/bring-back.ts'

/** Bugs of saving, removing and bringing back. */
export const RECOVERY_BUGS: readonly Mutant[] = [
  { name: 'symbolic links are followed', file: TREE, from: 'FileHandle, lstat, open', to: 'FileHandle, stat as lstat, open' },
  {
    name: 'empty directories are lost',
    file: TREE,
    from: 'if (count === 0) empty',
    to: 'if (count < 0) empty',
  },
  { name: 'ignored files are saved unasked', file: TREE, from: ': ignoredIn(streamGit, cwd),', to: ': new Set<BytePath>(),' },
  { name: 'ignored files are not saved', file: TREE, from: 'reading.ignored ? new Set<BytePath>() : ', to: '' },
  { name: 'names are taken for text', file: TREE, from: "Buffer.from(path, 'latin1')\n", to: 'Buffer.from(path)\n' },
  { name: 'a file is what its index says', file: TREE, from: 'stored.get(inside) === file.oid', to: 'stored.has(inside)' },
  { name: 'names are not quoted', file: COMMIT, from: '/["\\\\]|[^ -~]/gu', to: '/["]|[^ -~]/gu' },
  {
    name: 'permissions are those of most files',
    file: BACK,
    from: 'Object.hasOwn(others, path) ?',
    to: 'Object.hasOwn(usual, path) ?',
  },
  { name: 'permissions are lost', file: BACK, from: '  await file.chmod(permissions)\n', to: '' },
  {
    name: 'line ends are converted',
    file: BACK,
    from: '(bytes) => file.writeFile(bytes))',
    to: "(bytes) => file.writeFile(bytes.toString('latin1').replaceAll('\\r\\n', '\\n'), 'latin1'))",
  },
  { name: 'links come back as files', file: BACK, from: "if (mode === '120000') {", to: 'if (mode === null) {' },
  { name: 'the index is not saved', file: COMMIT, from: 'return entry.isFile() ? [path]', to: "return path !== 'index' ? [path]" },
  { name: 'what is only staged is not kept', file: COMMIT, from: "if (mode === '160000' || ", to: "if (mode !== '160000' || " },
  {
    name: 'commits of the reflog are not kept',
    file: REFS,
    from: 'commits: [...own, ...found.filter((commit) => loose.has(commit))]',
    to: 'commits: own',
  },
  { name: 'stashes are not kept', file: AWAY, from: 'stashes: await stashesOn(git, path, worktree.branch)', to: 'stashes: []' },
  { name: 'stashes come back the other way round', file: BACK, from: 'stashes.toReversed()', to: 'stashes' },
  {
    name: 'settings of the branch are forgotten',
    file: AWAY,
    from: 'branchConfig: await branchConfig(git, workspace.commonDir, worktree.branch)',
    to: 'branchConfig: []',
  },
  {
    name: 'the branch comes back where HEAD was',
    file: BACK,
    from: 'createBranch(git, commonDir, branch, tip)',
    to: 'createBranch(git, commonDir, branch, head ?? tip)',
  },
  {
    name: 'the branch stays',
    file: AWAY,
    from: '  await retryLocked(context, () => deleteBranch(git, commonDir, worktree.branch, tip))\n',
    to: '',
  },
  {
    name: 'the directory of lanes stays',
    file: AWAY,
    from: '  await forgetMade(commonDir, dirname(await realPathOf(spec.worktree.path)))\n',
    to: '',
  },
  {
    name: 'it is not looked at again',
    file: AWAY,
    from: 'if (!isSameWork(now, tree) || !isDeepStrictEqual(admin, await adminState(entry.dir, hash))) return null',
    to: '',
  },
  { name: 'what is staged is not looked at again', file: TREE, from: 'one.index, one.modules', to: 'other.index, one.modules' },
  {
    name: 'empty directories are not looked at again',
    file: TREE,
    from: '[one.directories, ',
    to: '[other.directories, ',
  },
  { name: 'the reflog of the branch is lost', file: BACK, from: '      await writeReflog(context, commit, branch)\n', to: '' },
  {
    name: 'what is half removed replaces what was saved',
    file: AWAY,
    from: 'begun !== null && before',
    to: 'begun === undefined && before',
  },
]

export const RECOVERY_COPY: Mutant = {
  name: 'a copy without a bug',
  file: AWAY,
  from: '/** Saves all, looks again, then removes.',
  to: '/** Saves it, looks again, then removes.',
}
