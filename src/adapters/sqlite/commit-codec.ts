import type { Commit, StoredRecord } from '../../ports/event-store.port.ts'
import type { NewEvent } from '../../protocols/events.ts'
import { SignalboxError } from '../../protocols/errors.ts'

/** A commit as it will be written: taken at the call, so that later changes of the caller's objects do not reach the store. */
export type EncodedCommit = {
  readonly events: readonly (NewEvent & { readonly json: string })[]
  readonly records: readonly (Omit<StoredRecord, 'value'> & { readonly json: string; readonly runId: string | null })[]
  readonly deleted: readonly { readonly kind: string; readonly id: string }[]
}

const refuse = (what: string, context: Record<string, unknown>, cause?: unknown): never => {
  throw new SignalboxError('ERR_STORE_FAILED', `the commit cannot be stored: ${what}`, { context, cause })
}

const toJson = (value: unknown, what: string, context: Record<string, unknown>): string => {
  if (typeof value !== 'object' || value === null) return refuse(`${what} is not an object`, context)
  try {
    return JSON.stringify(value)
  } catch (error) {
    return refuse(`${what} is not JSON-safe`, context, error)
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/**
 * Checks and serialises a commit before it joins a shared transaction, so that it cannot fail those of others.
 * @throws ERR_STORE_FAILED
 */
export const encodeCommit = (commit: Commit): EncodedCommit => ({
  events: commit.events.map((event) => {
    const context = { type: event.type }
    if (!isText(event.type)) refuse('an event has no type', context)
    if (!Number.isFinite(event.at)) refuse('the time of an event is not a number', context)
    return { ...event, json: toJson(event.payload, 'the payload of an event', context) }
  }),
  records: (commit.records ?? []).map(({ kind, id, value }) => {
    const context = { kind, id }
    if (!isText(kind) || !isText(id)) refuse('a record has no kind or id', context)
    const json = toJson(value, 'the value of a record', context)
    return { kind, id, json, runId: runOf(kind, id, value) }
  }),
  deleted: (commit.deleted ?? []).map(({ kind, id }) => ({ kind, id })),
})

/** What a record is forgotten with: the run, or the lane that belongs to none (its `runId` is null). */
const runOf = (kind: string, id: string, value: StoredRecord['value']): string | null => {
  if (kind === 'run') return id
  if (typeof value['runId'] === 'string') return value['runId']
  if (value['runId'] !== null) return null
  return kind === 'lane' ? id : typeof value['laneId'] === 'string' ? value['laneId'] : null
}

/** @returns whether a lane record is of a lane that belongs to no run. */
export const isOwnLane = (value: StoredRecord['value']): boolean => value['runId'] === null

/** @returns whether a run record says that the run ended before `at`. */
export const endedBefore = (value: StoredRecord['value'], at: number): boolean =>
  typeof value['endedAt'] === 'number' && value['endedAt'] < at

/** Where no `limit` is given. */
export const DEFAULT_LIMIT = 100_000

/** @returns a whole number of events, at least 0. */
export const limitOf = (limit: number | undefined): number => Math.max(0, Math.floor(limit ?? DEFAULT_LIMIT))
