import type { EventStore, StoredRecord } from '../../ports/event-store.port.ts'
import { SignalboxError } from '../../protocols/errors.ts'
import type { EventQuery, RecordedEvent } from '../../protocols/events.ts'
import type { WorkspaceId } from '../../protocols/ids.ts'
import { matchesTopic } from '../../protocols/topics.ts'
import { encodeCommit, endedBefore, isOwnLane, limitOf } from '../sqlite/commit-codec.ts'

type Held = { readonly kind: string; readonly id: string; readonly json: string; readonly runId: string | null }

const ID_KEYS = ['runId', 'laneId', 'terminalId', 'ptyId'] as const

const matches = (event: RecordedEvent, query: EventQuery): boolean =>
  event.sequence >= (query.from ?? 1) &&
  ID_KEYS.every((key) => query[key] === undefined || event[key] === query[key]) &&
  (query.types === undefined || matchesTopic(query.types, event.type)) &&
  event.topicSequence >= (query.since?.[event.type] ?? 1)

const parse = <T>(json: string): T => JSON.parse(json) as T

const toRecord = ({ kind, id, json }: Held): StoredRecord => ({ kind, id, value: parse(json) })

/** Drops what JSON does not know, so that a test sees what a file would hold. */
const copy = (event: RecordedEvent): RecordedEvent => parse(JSON.stringify(event))

/** A store that lasts as long as its process, for tests and trials. Answers in a microtask, so a simulation stays in order. */
export const createMemoryStore = ({ workspaceId }: { readonly workspaceId: WorkspaceId }): EventStore => {
  let events: RecordedEvent[] = []
  const records = new Map<string, Held>()
  const lastOfTopic = new Map<string, number>()
  let lastSequence = 0
  let closed = false
  const keyOf = (kind: string, id: string): string => JSON.stringify([kind, id])
  const open = (): void => {
    if (closed) throw new SignalboxError('ERR_STORE_CLOSED', 'the store was used after it was closed')
  }
  const ofKind = (kind: string): StoredRecord[] =>
    [...records.values()]
      .filter((held) => held.kind === kind)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(toRecord)
  return {
    putAside: null,
    commit: async (commit) => {
      open()
      const encoded = encodeCommit(commit)
      const stored = encoded.events.map(({ json, ...event }) => {
        lastSequence += 1
        const topicSequence = (lastOfTopic.get(event.type) ?? 0) + 1
        lastOfTopic.set(event.type, topicSequence)
        return copy({ ...event, payload: parse(json), sequence: lastSequence, topicSequence, workspaceId })
      })
      events.push(...stored)
      for (const held of encoded.records) records.set(keyOf(held.kind, held.id), held)
      for (const { kind, id } of encoded.deleted) records.delete(keyOf(kind, id))
      return stored.map(copy)
    },
    events: async (query) => {
      open()
      const found = events.filter((event) => matches(event, query))
      const limit = limitOf(query.limit)
      return (query.newest === true ? found.slice(Math.max(0, found.length - limit)) : found.slice(0, limit)).map(copy)
    },
    record: async (kind, id) => {
      open()
      const held = records.get(keyOf(kind, id))
      return held === undefined ? undefined : toRecord(held)
    },
    records: async (kind) => {
      open()
      return ofKind(kind)
    },
    forgetRunsBefore: async (at) => {
      open()
      const lanes = ofKind('lane').filter(({ value }) => isOwnLane(value))
      const ids = [...ofKind('run'), ...lanes].filter(({ value }) => endedBefore(value, at)).map(({ id }) => id)
      const gone = new Set(ids)
      const isGone = (id: string | undefined): boolean => id !== undefined && gone.has(id)
      events = events.filter(({ runId, laneId }) => !isGone(runId) && !isGone(laneId))
      for (const [key, { runId }] of records) if (runId !== null && gone.has(runId)) records.delete(key)
      return ids
    },
    close: async () => {
      closed = true
    },
  }
}
