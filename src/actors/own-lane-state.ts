import { join } from 'node:path'
import type { ReplyFunction } from '../kernel/types.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { TerminalId } from '../protocols/ids.ts'
import { laneMachine } from '../protocols/lane.machine.ts'
import type { LaneRecord, LaneRemoval, PtyRecord } from '../protocols/records.ts'
import type { CommandSummary, LaneSummary } from '../protocols/summary.ts'
import type { CleaningReport } from '../protocols/lane.protocol.ts'
import type { OwnLaneArgs } from './services.ts'

type Reply<R> = ReplyFunction<R>

export type OwnLaneState = {
  readonly args: OwnLaneArgs
  readonly record: LaneRecord
  /** Commands whose terminal is there, or about to be. */
  readonly busy: ReadonlySet<string>
  /** Aborts the check-out. */
  readonly provisioning: AbortController
  /** The worktree was made, or may have been. */
  readonly provisioned: boolean
  readonly adding: boolean
  /** Commands whose terminals went with their supervisor, and are to be looked for. */
  readonly rejoining: ReadonlySet<string>
  /** A look for some of them is under way, or about to be. */
  readonly looking: boolean
  readonly cleaningAttempts: number
  /** When commands were started again that had been lost, by policy. Monotonic. */
  readonly respawnedAt: ReadonlyMap<string, number>
  /** Asks that are answered later. */
  readonly readyAsked: readonly Reply<LaneRecord>[]
  readonly spawnAsked: ReadonlyMap<string, Reply<{ terminalId: TerminalId }>>
  readonly removeAsked: readonly Reply<LaneSummary>[]
  /** How it is asked to be removed, while it is looked whether it may be. */
  readonly removing: LaneRemoval | undefined
  /** Why there will be no worktree. */
  readonly failure: unknown
}

/** The record of a lane that begins: named so that another of its name never collides with it. */
export const newOwnRecord = ({ services, laneId, name, made, restores }: OwnLaneArgs, baseCommit: string, at: number): LaneRecord => {
  const slug = `${name}-${laneId.slice(-8).toLowerCase()}`
  const worktree = { path: join(services.lanesDirectory, slug), branch: `${services.branchPrefix}${slug}`, baseCommit }
  return {
    id: laneId,
    runId: null,
    name,
    snapshot: laneMachine.initial,
    worktree: restores?.worktree ?? worktree,
    ...(restores !== undefined && { restores: restores.id }),
    made,
    terminals: [],
    createdAt: at,
    endedAt: null,
    summary: null,
  }
}

export const newOwnState = (args: OwnLaneArgs, record: LaneRecord): OwnLaneState => ({
  args,
  record,
  busy: new Set(),
  provisioning: new AbortController(),
  provisioned: false,
  adding: false,
  rejoining: new Set(),
  looking: false,
  cleaningAttempts: 0,
  respawnedAt: new Map(),
  readyAsked: [],
  spawnAsked: new Map(),
  removeAsked: [],
  removing: undefined,
  failure: null,
})

export const notReady = ({ record }: OwnLaneState, what: string): SignalboxError =>
  new SignalboxError('ERR_LANE_NOT_READY', `lane ${record.name} ${what}`, { context: { laneId: record.id, state: record.snapshot.state } })

/** Why it takes no command of this name now, or null. */
export const whyNoCommand = (state: OwnLaneState, name: string): SignalboxError | null => {
  const { record, busy } = state
  const now = record.snapshot.state
  if (now === 'new' || now === 'provisioning') return notReady(state, 'has no worktree yet; wait until it is ready')
  if (now === 'cleaning' || now === 'closed') return notReady(state, 'is being removed')
  if (!busy.has(name)) return null
  return new SignalboxError('ERR_TERMINAL_EXISTS', `terminal ${name} of lane ${record.name} runs already; use another name, or end it`, {
    context: { laneId: record.id, name },
  })
}

const commandSummary = (name: string, pty: PtyRecord | null): CommandSummary => ({
  name,
  outcome: pty?.exit?.exitCode === 0 ? 'succeeded' : 'stopped',
  exitCode: pty?.exit?.exitCode ?? null,
  signal: pty?.exit?.signal ?? null,
  attempts: pty?.attempt ?? 0,
  log: pty?.exit?.error === null ? pty.log : null,
  reason: pty?.exit?.error?.message ?? null,
})

/** @param last the last attempt of each of its terminals */
export const ownLaneSummary = (
  { record, failure }: OwnLaneState,
  report: CleaningReport,
  last: readonly { readonly name: string; readonly pty: PtyRecord | null }[],
  at: number,
): LaneSummary => ({
  name: record.name,
  id: record.id,
  outcome: failure === null ? 'succeeded' : 'failed',
  durationMs: Math.max(0, at - record.createdAt),
  branch: report.branchDeleted ? null : record.worktree.branch,
  commits: report.commits,
  uncommitted: report.uncommitted,
  worktree: report.kept ? record.worktree.path : null,
  ...(report.saved === true && { saved: true }),
  reason:
    [failure === null ? null : failure instanceof Error ? failure.message : 'it could not be made', report.reason]
      .filter((text) => text !== null)
      .join('; ') || null,
  commands: last.map(({ name, pty }) => commandSummary(name, pty)),
})
