import { posix } from 'node:path'
import type {
  RemovalReport,
  WorkspaceInfo,
  Worktree,
  WorktreeEntry,
  Worktrees,
  WorktreeSpec,
  WorktreeWork,
} from '../../src/ports/worktrees.port.ts'
import { SignalboxError } from '../../src/protocols/errors.ts'

type Tree = {
  branch: string | null
  head: string
  /** Files that git would show as changed. */
  readonly changed: Map<string, string>
  /** Copies as they were brought in. */
  readonly copies: Map<string, string>
  locked: string | null
  missing: boolean
}

const MAIN = '/fake/repo'
const objectId = (number: number): string => number.toString(16).padStart(40, '0')

/** A repository in memory. The contract suite holds it to what the git adapter does. */
export class FakeWorktrees implements Worktrees {
  readonly workspace: WorkspaceInfo = { root: MAIN, commonDir: `${MAIN}/.git`, branch: 'main' }
  readonly #parents = new Map<string, string | null>([[objectId(1), null]])
  readonly #refs = new Map<string, string>([['main', objectId(1)]])
  readonly #trees = new Map<string, Tree>([[MAIN, this.#tree('main', objectId(1))]])
  readonly #failures = new Map<string, Error>()

  #tree(branch: string | null, head: string): Tree {
    return { branch, head, changed: new Map(), copies: new Map(), locked: null, missing: false }
  }

  #at(path: string): Tree {
    const tree = this.#trees.get(path)
    if (tree === undefined || tree.missing) throw new SignalboxError('ERR_WORKTREE_NOT_FOUND', `the worktree ${path} is gone`)
    return tree
  }

  /** The next call of `method` fails with `error`, having done nothing. */
  failNext(method: 'add' | 'inspect' | 'remove' | 'list', error: Error): void {
    this.#failures.set(method, error)
  }

  #failIfTold(method: string): void {
    const error = this.#failures.get(method)
    this.#failures.delete(method)
    if (error !== undefined) throw error
  }

  /** Changes a file of a worktree without committing it. */
  writeFile(path: string, file: string, text: string): void {
    if (!file.endsWith('.ignored') || path === MAIN) this.#at(path).changed.set(file, text)
  }

  /** Commits everything that is changed. */
  commitAll(path: string): string {
    const tree = this.#at(path)
    const id = objectId(this.#parents.size + 1)
    this.#parents.set(id, tree.head)
    tree.head = id
    if (tree.branch !== null) this.#refs.set(tree.branch, id)
    tree.changed.clear()
    return id
  }

  detachHead(path: string): void {
    this.#at(path).branch = null
  }

  lockTree(path: string, reason: string): void {
    this.#at(path).locked = reason
  }

  /** As if somebody had deleted the directory. */
  dropDirectory(path: string): void {
    this.#at(path).missing = true
  }

  #reaches(from: string, commit: string): boolean {
    for (let at: string | null = from; at !== null; at = this.#parents.get(at) ?? null) if (at === commit) return true
    return false
  }

  #beyond(tips: readonly string[], base: string): number {
    return [...this.#parents.keys()].filter((id) => tips.some((tip) => this.#reaches(tip, id)) && !this.#reaches(base, id)).length
  }

  #uncommitted(tree: Tree): readonly string[] {
    const loose = tree.branch === null && ![...this.#refs.values()].some((tip) => this.#reaches(tip, tree.head))
    const changed = [...tree.changed].filter(([file, text]) => tree.copies.get(file) !== text).map(([file]) => file)
    return [...(loose ? ['(detached HEAD: commits on no branch)'] : []), ...changed.toSorted()]
  }

  async resolve(base: string): Promise<string> {
    const found = this.#refs.get(base) ?? (this.#parents.has(base) ? base : undefined)
    if (found === undefined) throw new SignalboxError('ERR_WORKTREE_BASE_NOT_FOUND', `the base ${base} names no commit`)
    return found
  }

  #checkBranch(branch: string): void {
    if (!/^[\w][\w./-]*$/.test(branch)) throw new SignalboxError('ERR_WORKTREE_BRANCH_INVALID', `${branch} cannot be a branch`)
    if (!this.#refs.has(branch)) return
    const used = [...this.#trees].find(([, tree]) => tree.branch === branch)
    if (used) throw new SignalboxError('ERR_WORKTREE_BRANCH_CHECKED_OUT', `the branch ${branch} is checked out in ${used[0]}`)
    throw new SignalboxError('ERR_WORKTREE_BRANCH_EXISTS', `the branch ${branch} exists already`)
  }

  #checkCopies(files: readonly string[]): void {
    for (const file of files) {
      const inside = !posix.isAbsolute(file) && !posix.normalize(file).startsWith('..') && !file.startsWith('.git/')
      if (inside && this.#at(MAIN).changed.has(posix.normalize(file))) continue
      throw new SignalboxError('ERR_LANE_COPY_FAILED', `cannot copy ${JSON.stringify(file)}`, { context: { file } })
    }
  }

  async add(spec: WorktreeSpec, signal?: AbortSignal): Promise<Worktree> {
    this.#failIfTold('add')
    const baseCommit = await this.resolve(spec.base)
    this.#checkBranch(spec.branch)
    if (this.#trees.has(spec.path)) throw new SignalboxError('ERR_WORKTREE_PATH_EXISTS', `${spec.path} exists already`)
    this.#checkCopies(spec.copy)
    if (signal?.aborted) throw new SignalboxError('ERR_RUN_INTERRUPTED', `adding ${spec.path}: stopped on request`)
    const tree = this.#tree(spec.branch, baseCommit)
    for (const file of spec.copy.map(posix.normalize)) {
      const text = this.#at(MAIN).changed.get(file) ?? ''
      tree.copies.set(file, text)
      if (!file.endsWith('.ignored')) tree.changed.set(file, text)
    }
    this.#refs.set(spec.branch, baseCommit)
    this.#trees.set(spec.path, tree)
    return { path: spec.path, branch: spec.branch, baseCommit }
  }

  async inspect(worktree: Worktree): Promise<WorktreeWork> {
    this.#failIfTold('inspect')
    const tree = this.#at(worktree.path)
    const tip = this.#refs.get(worktree.branch)
    const tips = tip === undefined ? [tree.head] : [tree.head, tip]
    return { commits: this.#beyond(tips, worktree.baseCommit), uncommitted: this.#uncommitted(tree), head: tree.head }
  }

  async remove(worktree: Worktree): Promise<RemovalReport> {
    this.#failIfTold('remove')
    const tree = this.#trees.get(worktree.path)
    if (tree !== undefined && tree.locked !== null)
      throw new SignalboxError('ERR_WORKTREE_LOCKED', `the worktree ${worktree.path} is locked`)
    const uncommitted = tree === undefined || tree.missing ? [] : this.#uncommitted(tree)
    if (uncommitted.length > 0) {
      throw new SignalboxError('ERR_WORKTREE_DIRTY', `the worktree ${worktree.path} holds work`, { context: { uncommitted } })
    }
    this.#trees.delete(worktree.path)
    const tip = this.#refs.get(worktree.branch)
    const commits = tip === undefined ? 0 : this.#beyond([tip], worktree.baseCommit)
    const held = tip === undefined || [...this.#refs].some(([name, other]) => name !== worktree.branch && this.#reaches(other, tip))
    const branchDeleted = commits === 0 && held
    if (branchDeleted) this.#refs.delete(worktree.branch)
    const kept = branchDeleted ? [] : [`the branch ${worktree.branch} has ${commits} commits beyond its base, or is all that holds it`]
    return { worktreeRemoved: true, branchDeleted, kept }
  }

  async list(): Promise<readonly WorktreeEntry[]> {
    this.#failIfTold('list')
    return [...this.#trees].map(([path, { branch, head, locked, missing }]) => ({
      path,
      branch,
      head,
      locked,
      missing,
      main: path === MAIN,
    }))
  }

  async branches(prefix: string): Promise<readonly { readonly name: string; readonly head: string }[]> {
    return [...this.#refs]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, head]) => ({ name, head }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  async deleteBranchIfMerged(name: string, head: string): Promise<boolean> {
    if (this.#refs.get(name) !== head) return false
    if ([...this.#trees.values()].some((tree) => tree.branch === name)) return false
    if (![...this.#refs].some(([other, tip]) => other !== name && this.#reaches(tip, head))) return false
    return this.#refs.delete(name)
  }
}
