import { readdirSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ProcessSample, ProcessTrees, TreeRoot } from '../../ports/process-table.port.ts'
import { isDead, KERNEL_THREAD, parseStat, type Stat, TICK_MS } from './proc-stat.ts'
import type { SpareDescriptor } from './spare-descriptor.ts'

/** Size of a page; where it is larger (some arm64), memory is told too small by that factor. */
const PAGE_BYTES = 4_096
/** Processes looked at before the event loop gets a turn: about half a millisecond. */
const SLICE = 50
/** So often everything is forgotten that is no process of ours: a pid of such a one may have been given to one of ours meanwhile. */
const FORGET_LOOKS = 60

type Proc = {
  readonly path: string
  readonly bootId: string
  readonly spare: SpareDescriptor
  /** The text of a file below `path`, or null. */
  readonly read: (path: string) => string | null
  /** The mark in an environment; null: there is none. */
  readonly markOf: (environ: string) => string | null
}

/** What changes rarely, and is read again only with what shows it. */
type Kept = { name: string; argv: readonly string[]; rssPages: number; sharedBytes: number }
type Member = { readonly startTime: string; readonly kept: Kept }
type Tree = { readonly root: TreeRoot; readonly members: Map<number, Member> }

const keyOf = ({ leader, mark }: TreeRoot): string => `${leader.bootId} ${leader.pid} ${leader.startTime} ${mark}`

/**
 * Trees from /proc. A look lists the pids and reads `stat` of the members; of the others only those that were not there
 * at the look before: so what costs is what is new, and 20 idle shells cost a fifth of a millisecond.
 */
export class LinuxProcessTrees implements ProcessTrees {
  private readonly proc: Proc
  private trees = new Map<string, Tree>()
  /** Of no tree: pid and start time. */
  private readonly others = new Map<number, number>()
  /** Of no tree as far as is known: their environment was empty when they were seen first. */
  private readonly blank = new Map<number, string>()
  private looks = 0

  constructor(proc: Proc) {
    this.proc = proc
  }

  async look(roots: readonly TreeRoot[]): Promise<readonly (readonly ProcessSample[])[]> {
    this.follow(roots)
    const { spare, path } = this.proc
    const listed = new Set(
      spare
        .lend(() => readdirSync(path))
        .filter((name) => /^\d+$/.test(name))
        .map(Number),
    )
    const stats = new Map<number, Stat>()
    const statOf = async (pid: number): Promise<void> => {
      const stat = parseStat(this.proc.read(`${pid}/stat`))
      if (stat !== null) stats.set(pid, stat)
      if (stats.size % SLICE === SLICE - 1) await nextTurn()
    }
    const known = this.owners()
    for (const pid of listed) if (known.has(pid) || !this.others.has(pid)) await statOf(pid)
    for (const gone of [this.others, this.blank]) for (const pid of gone.keys()) if (!listed.has(pid)) gone.delete(pid)
    for (const { members } of this.trees.values()) {
      for (const [pid, { startTime }] of members) if (stats.get(pid)?.startTime !== startTime) members.delete(pid)
    }
    this.place(stats)
    return roots.map((root) => {
      const members = this.trees.get(keyOf(root))?.members ?? new Map<number, Member>()
      return [...members].map(([pid, member]) => this.sampleOf(pid, member, stats.get(pid) as Stat))
    })
  }

  /** Trees of these roots, and of no others. What belonged to one that is followed no more is looked at as if it were new. */
  private follow(roots: readonly TreeRoot[]): void {
    this.looks += 1
    if (this.looks % FORGET_LOOKS === 0) this.others.clear()
    const before = this.trees
    this.trees = new Map()
    for (const root of roots) {
      const key = keyOf(root)
      const tree = before.get(key) ?? { root, members: new Map<number, Member>() }
      this.trees.set(key, tree)
      if (before.has(key)) continue
      // What is as old as it may be its own: it was seen before anybody said so.
      for (const [pid, startTime] of this.others) if (startTime >= Number(root.leader.startTime)) this.others.delete(pid)
    }
  }

  private owners(): Map<number, Tree> {
    return new Map([...this.trees.values()].flatMap((tree) => [...tree.members.keys()].map((pid) => [pid, tree] as const)))
  }

  /** Finds the tree of each that has none yet: as leader, by its parent, its session or its mark. */
  private place(stats: ReadonlyMap<number, Stat>): void {
    const owners = this.owners()
    const sessions = new Map<number, Tree>()
    const marks = new Map<string, Tree>()
    const join = (pid: number, { startTime }: Stat, tree: Tree): void => {
      tree.members.set(pid, { startTime, kept: { name: '', argv: [], rssPages: -1, sharedBytes: 0 } })
      owners.set(pid, tree)
    }
    for (const tree of this.trees.values()) {
      const { leader, mark } = tree.root
      const stat = stats.get(leader.pid)
      if (leader.bootId === this.proc.bootId && stat?.startTime === leader.startTime && !owners.has(leader.pid))
        join(leader.pid, stat, tree)
      if (owners.get(leader.pid) === tree) sessions.set(leader.pid, tree)
      marks.set(mark, tree)
    }
    // Parents first: a child is never older.
    const fresh = [...stats].filter(([pid]) => !owners.has(pid)).sort((one, other) => Number(one[1].startTime) - Number(other[1].startTime))
    for (const [pid, stat] of fresh) {
      const tree = owners.get(stat.ppid) ?? sessions.get(stat.sid)
      if (tree !== undefined) join(pid, stat, tree)
    }
    for (const [pid, stat] of fresh) if (!owners.has(pid)) this.placeByMark(pid, stat, marks, owners, join)
  }

  private placeByMark(
    pid: number,
    stat: Stat,
    marks: ReadonlyMap<string, Tree>,
    owners: ReadonlyMap<number, Tree>,
    join: (pid: number, stat: Stat, tree: Tree) => void,
  ): void {
    const hasNone = (stat.flags & KERNEL_THREAD) !== 0 || isDead(stat.state)
    const environ = hasNone ? null : this.proc.read(`${pid}/environ`)
    const tree = owners.get(stat.ppid) ?? (environ === null ? undefined : marks.get(this.proc.markOf(environ) ?? ''))
    if (tree !== undefined) join(pid, stat, tree)
    // Empty for a moment in the middle of exec: it is looked at again, once, as some have none.
    else if (environ === '' && this.blank.get(pid) !== stat.startTime) this.blank.set(pid, stat.startTime)
    else {
      this.others.set(pid, Number(stat.startTime))
      this.blank.delete(pid)
    }
  }

  private sampleOf(pid: number, { startTime, kept }: Member, stat: Stat): ProcessSample {
    if (kept.name !== stat.name) {
      kept.name = stat.name
      const cmdline = Buffer.from(this.proc.read(`${pid}/cmdline`) ?? '', 'latin1').toString('utf8')
      const argv = cmdline.replace(/\0+$/u, '').split('\0')
      kept.argv = argv[0] === '' ? [stat.name] : argv
    }
    if (kept.rssPages !== stat.rssPages) {
      kept.rssPages = stat.rssPages
      kept.sharedBytes = Number(this.proc.read(`${pid}/statm`)?.split(' ')[2] ?? 0) * PAGE_BYTES
    }
    const { ppid, pgid, state, foreground } = stat
    return {
      pid,
      startTime,
      bootId: this.proc.bootId,
      ppid,
      pgid,
      state,
      argv: kept.argv,
      cpuMs: stat.cpuTicks * TICK_MS,
      childrenCpuMs: stat.childTicks * TICK_MS,
      rssBytes: stat.rssPages * PAGE_BYTES,
      sharedBytes: Math.min(kept.sharedBytes, stat.rssPages * PAGE_BYTES),
      foreground: foreground > 0 ? foreground : null,
    }
  }
}
