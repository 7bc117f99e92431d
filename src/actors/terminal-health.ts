import { type Clock, pause, type Timer } from '../ports/clock.port.ts'
import type { ProcessSample, ProcessTable, ProcessTrees } from '../ports/process-table.port.ts'
import type { Pty } from '../ports/terminal-host.port.ts'
import type { Bus } from '../protocols/bus.ts'
import type { EventIds } from '../protocols/events.ts'
import type { PtyHealth } from '../protocols/health.ts'
import type { PtyId } from '../protocols/ids.ts'
import type { TerminalSize } from '../protocols/own-lane.protocol.ts'
import { conclude, firstLook, idleMs, memoryOf, type Observation, type Observed, observe, type Quiet } from './health-rules.ts'

const TOPIC = 'pty.health'
/** Between looks while somebody wants to know. */
const WANTED_MS = 2_000
/** Between looks while nobody does: for idleness alone. */
const UNWANTED_MS = 5_000
/** Somebody who asked is taken to ask again for so long. */
const INTEREST_MS = 10_000
/** A look that is no older answers a question. */
const FRESH_MS = 1_000
/** Looks take at most this share of the time: where there are very many terminals, they are rarer instead. */
const MOST_SHARE = { wanted: 0.01, unwanted: 0.001 } as const
const LONGEST_MS = { wanted: 10_000, unwanted: 60_000 } as const
/** Of so many looks the quickest tells what one costs: the others waited for a machine that was busy. */
const COUNTED_LOOKS = 4
/** Input that waits for so long shows that a program does not read. */
const UNREAD_MS = 5_000
/** Terminals whose system calls are looked at before the event loop gets a turn. */
const SLICE = 16

/** Whom news are about. */
export type HealthOf = { readonly lane: string; readonly command: string; readonly attempt: number }

/** What an actor is told of its terminal. */
export type HealthNews =
  | { readonly verdict: 'idle'; readonly health: PtyHealth }
  | { readonly verdict: 'activity'; readonly by: string }
  | { readonly verdict: 'resized'; readonly size: TerminalSize }

export type Follow = {
  readonly ids: EventIds
  readonly who: HealthOf
  readonly mark: string
  /** 0: never. ms */
  readonly idleAfterMs: number
  /** As its machine has it. */
  readonly isThrottled: boolean
  /** As it is on record. @defaultValue none is */
  readonly size?: TerminalSize | undefined
  readonly heard: (news: HealthNews) => void
}

type Entry = {
  readonly pty: Pty
  follow: Follow
  quiet: Quiet | null
  /** Monotonic; since when input waits in its queue. */
  unreadSince: number | null
  busySince: number | null
  heartbeatAt: number | null
  health: PtyHealth | null
  told: string
  size: TerminalSize | undefined
}

type Parts = {
  readonly clock: Clock
  readonly processTable: Pick<ProcessTable, 'trees' | 'waiting'>
  readonly bus: Pick<Bus, 'hears' | 'publish'>
}

/**
 * Looks after all terminals: one pass over the process table for all, and none while there are no terminals. Tells actors
 * when theirs has become idle or active, and whoever listens to `pty.health` how each is. Outlives the actors, as the
 * processes do.
 */
export class TerminalHealth {
  private readonly parts: Parts
  private readonly trees: ProcessTrees | null
  private readonly entries = new Map<PtyId, Entry>()
  private timer: Timer | null = null
  private looking: Promise<void> | null = null
  private lookedAt = -Infinity
  /** ms that the last looks took. */
  private costs: readonly number[] = []
  private wantedUntil = -Infinity

  constructor(parts: Parts) {
    this.parts = parts
    this.trees = parts.processTable.trees?.() ?? null
  }

  /** Looks after this one from now on, to its end. Called again by the next incarnation of its actor, which is told from then on. */
  follow(pty: Pty, follow: Follow): void {
    const known = this.entries.get(pty.ptyId)
    if (known?.pty === pty) {
      known.follow = follow
      known.size = follow.size
      if (known.quiet !== null) known.quiet = { ...known.quiet, isThrottled: follow.isThrottled }
      return
    }
    const entry: Entry = {
      pty,
      follow,
      quiet: null,
      unreadSince: null,
      busySince: null,
      heartbeatAt: null,
      health: null,
      told: '',
      size: follow.size,
    }
    this.entries.set(pty.ptyId, entry)
    const over = (): void => {
      if (this.entries.get(pty.ptyId) !== entry) return
      this.entries.delete(pty.ptyId)
      if (this.entries.size === 0) this.cancel()
    }
    pty.exited.then(over, over)
    if (this.timer === null && this.looking === null) this.arm(this.isWanted() ? WANTED_MS : UNWANTED_MS)
  }

  /** Looks after none any more, also of those that live on in a terminal host. */
  close(): void {
    this.entries.clear()
    this.cancel()
  }

  /** How a terminal is, as of the last look; null before the first. */
  of(ptyId: PtyId): PtyHealth | null {
    return this.entries.get(ptyId)?.health ?? null
  }

  /** Looks now, unless that was done a moment ago; for some time after it the looks are frequent. Never rejects. */
  async look(): Promise<void> {
    const { clock } = this.parts
    const wasWanted = this.isWanted()
    this.wantedUntil = clock.monotonic() + INTEREST_MS
    if (wasWanted && clock.monotonic() - this.lookedAt < FRESH_MS && [...this.entries.values()].every(({ health }) => health !== null))
      return
    await this.looking
    await this.pass()
  }

  private isWanted(): boolean {
    return this.parts.clock.monotonic() < this.wantedUntil || this.parts.bus.hears(TOPIC)
  }

  private cancel(): void {
    this.timer?.cancel()
    this.timer = null
  }

  private arm(afterMs: number): void {
    this.cancel()
    if (this.entries.size > 0) this.timer = this.parts.clock.setTimer(afterMs, () => void this.pass())
  }

  /** One at a time; who comes meanwhile has the one that goes on. */
  private pass(): Promise<void> {
    this.cancel()
    this.looking ??= this.lookAtAll().finally(() => {
      this.looking = null
    })
    return this.looking
  }

  private async lookAtAll(): Promise<void> {
    const { clock } = this.parts
    const began = clock.monotonic()
    const wanted = this.isWanted()
    const entries = [...this.entries.values()]
    const trees = await this.treesOf(entries)
    if (trees !== 'unseen') {
      for (const [index, entry] of entries.entries()) {
        if (wanted && index % SLICE === SLICE - 1) await pause(clock, 0)
        if (this.entries.get(entry.pty.ptyId) !== entry) continue
        const tree = trees === null ? null : (trees[index] ?? [])
        try {
          this.lookAt(entry, tree, wanted)
        } catch (error) {
          // Of this one nothing is known, and it says why; the others are looked at.
          const evidence = `looking at it failed: ${error instanceof Error ? error.message : String(error)}`
          if (entry.health !== null) entry.health = { ...entry.health, at: clock.now(), responsive: null, condition: 'unknown', evidence }
        }
      }
      this.lookedAt = clock.monotonic()
    }
    this.costs = [...this.costs, clock.monotonic() - began].slice(-COUNTED_LOOKS)
    const key = wanted ? 'wanted' : 'unwanted'
    const least = wanted ? WANTED_MS : UNWANTED_MS
    this.arm(Math.min(LONGEST_MS[key], Math.max(least, Math.min(...this.costs) / MOST_SHARE[key])))
  }

  /** @returns null where this system tells nothing of trees */
  private async treesOf(entries: readonly Entry[]): Promise<readonly (readonly ProcessSample[])[] | null | 'unseen'> {
    try {
      return (await this.trees?.look(entries.map(({ pty, follow }) => ({ leader: pty.identity, mark: follow.mark })))) ?? null
    } catch {
      // Out of descriptors, perhaps: what was not seen changes nothing, and the next look tells.
      return 'unseen'
    }
  }

  private lookAt(entry: Entry, tree: readonly ProcessSample[] | null, wanted: boolean): void {
    const { pty, follow } = entry
    const stats = pty.stats()
    const { cols, rows } = stats
    if (cols !== entry.size?.cols || rows !== entry.size.rows) {
      entry.size = { cols, rows }
      follow.heard({ verdict: 'resized', size: entry.size })
    }
    const at = this.parts.clock.monotonic()
    const seen: Observation = { at, outputBytes: stats.outputBytes, inputBytes: stats.inputBytes, tree }
    const before = entry.quiet
    const observed: Observed =
      before === null ? { quiet: firstLook(seen, follow.isThrottled), signs: [], verdict: null } : observe(before, seen, follow.idleAfterMs)
    entry.quiet = observed.quiet
    entry.unreadSince = stats.inputQueuedBytes === 0 ? null : (entry.unreadSince ?? at)
    // What a program waits for costs some reads: only where somebody wants to know, or is about to be told.
    const asks = wanted || observed.verdict === 'idle'
    const waiting = asks
      ? (this.parts.processTable.waiting?.(
          pty.identity,
          tree?.map(({ pid }) => pid),
        ) ?? null)
      : null
    entry.health = this.healthOf(entry, observed, tree, waiting)
    this.tell(entry, observed)
  }

  private healthOf(
    entry: Entry,
    { quiet, signs }: Observed,
    tree: readonly ProcessSample[] | null,
    waiting: ReturnType<NonNullable<ProcessTable['waiting']>>,
  ): PtyHealth {
    const { pid } = entry.pty.identity
    const now = this.parts.clock.now()
    const { at } = quiet.last
    const wall = (monotonic: number): number => Math.round(now - (at - monotonic))
    const { condition, evidence } = conclude({ leader: pid, tree, waiting, signs })
    entry.busySince = condition === 'busy' ? (entry.busySince ?? at) : null
    const alive = tree === null || tree.some((one) => one.pid === pid && one.state !== 'Z')
    if (alive) entry.heartbeatAt = now
    const isUnread = entry.unreadSince !== null && at - entry.unreadSince >= UNREAD_MS
    const isStuck = condition === 'stopped' || condition === 'zombie' || condition === 'uninterruptible'
    const unread = isUnread ? '; input waits, and it does not read' : ''
    return {
      at: now,
      alive,
      responsive: !alive || isStuck || isUnread ? false : tree === null ? null : true,
      heartbeatAt: entry.heartbeatAt,
      condition,
      since: wall(entry.busySince ?? at - idleMs(quiet)),
      evidence: `${evidence}${unread}`,
      processes: tree === null ? (alive ? 1 : 0) : tree.filter(({ state }) => state !== 'Z').length,
      memoryBytes: tree === null ? null : memoryOf(tree),
      cpuPercent: tree === null ? null : quiet.shown.percent,
      quietMs: {
        output: Math.round(at - quiet.since.output),
        input: Math.round(at - quiet.since.input),
        cpu: Math.round(at - quiet.since.cpu),
      },
      idleMs: Math.round(idleMs(quiet)),
    }
  }

  private tell(entry: Entry, { verdict, signs }: Observed): void {
    const { health, pty, follow } = entry
    if (health === null) return
    if (verdict === 'idle') follow.heard({ verdict, health })
    else if (verdict === 'activity') follow.heard({ verdict, by: signs.join(' and ') })
    if (!this.parts.bus.hears(TOPIC)) {
      entry.told = ''
      return
    }
    const { alive, responsive, condition, processes, memoryBytes, cpuPercent } = health
    const brief = [alive, responsive, condition, processes, Math.round((memoryBytes ?? 0) / 1e6), Math.round(cpuPercent ?? 0)].join(' ')
    if (brief === entry.told) return
    entry.told = brief
    this.parts.bus.publish(TOPIC, { ...follow.who, ...health }, { key: pty.ptyId, ids: follow.ids })
  }
}
