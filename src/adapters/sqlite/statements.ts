import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { StoredRecord } from '../../ports/event-store.port.ts'
import type { EventQuery, NewEvent, RecordedEvent } from '../../protocols/events.ts'
import type { WorkspaceId } from '../../protocols/ids.ts'
import { type EncodedCommit, endedBefore, isOwnLane } from './commit-codec.ts'

type Row = Readonly<Record<string, unknown>>

/** What can be done to the open file; every function runs in the transaction of its caller. */
export type Statements = {
  apply(commit: EncodedCommit): readonly RecordedEvent[]
  /** Up to `limit` events in ascending order; descending where `newest` is set. */
  page(query: EventQuery, window: { from: number; before: number; limit: number }): RecordedEvent[]
  record(kind: string, id: string): StoredRecord | undefined
  records(kind: string): StoredRecord[]
  forget(at: number): readonly string[]
}

/** Columns of the ids in an event. */
const IDS = { runId: 'run_id', laneId: 'lane_id', terminalId: 'terminal_id', ptyId: 'pty_id' } as const
const OPTIONAL = { ...IDS, correlationId: 'correlation_id', causationId: 'causation_id' } as const

const parse = (text: unknown): Readonly<Record<string, unknown>> => JSON.parse(String(text)) as Readonly<Record<string, unknown>>

const toEvent = (row: Row, workspaceId: WorkspaceId): RecordedEvent => ({
  sequence: Number(row['sequence']),
  topicSequence: Number(row['topic_sequence']),
  workspaceId,
  type: String(row['type']),
  at: Number(row['at']),
  ...Object.fromEntries(Object.entries(OPTIONAL).flatMap(([key, column]) => (row[column] === null ? [] : [[key, row[column]]]))),
  payload: parse(row['payload']),
})

const optional = (event: NewEvent): SQLInputValue[] => (Object.keys(OPTIONAL) as (keyof typeof OPTIONAL)[]).map((key) => event[key] ?? null)

const toRecord = (row: Row): StoredRecord => ({ kind: String(row['kind']), id: String(row['id']), value: parse(row['value']) })

/** A type, or by prefix; `/` follows `.` in order, so that an index serves both. */
const typeCondition = (pattern: string): { sql: string; bound: string[] } => {
  if (pattern === '*') return { sql: 'TRUE', bound: [] }
  if (!pattern.endsWith('.*')) return { sql: 'type = ?', bound: [pattern] }
  return { sql: '(type >= ? AND type < ?)', bound: [pattern.slice(0, -1), `${pattern.slice(0, -2)}/`] }
}

/** The `where` of an event query. Values are bound, never spliced. */
const where = (query: EventQuery): { sql: string; values: SQLInputValue[] } => {
  const ids = (Object.keys(IDS) as (keyof typeof IDS)[]).filter((key) => query[key] !== undefined)
  const parts = ids.map((key) => `AND ${IDS[key]} = ?`)
  const values: SQLInputValue[] = ids.map((key) => query[key] as string)
  if (query.types !== undefined) {
    const ofType = query.types.map(typeCondition)
    parts.push(`AND (${ofType.map(({ sql }) => sql).join(' OR ') || 'FALSE'})`)
    values.push(...ofType.flatMap(({ bound }) => bound))
  }
  for (const [type, first] of Object.entries(query.since ?? {})) {
    parts.push('AND NOT (type = ? AND topic_sequence < ?)')
    values.push(type, first)
  }
  return { sql: parts.join(' '), values }
}

const prepareAll = (db: DatabaseSync) => ({
  count: db.prepare('UPDATE workspaces SET last_sequence = last_sequence + ? WHERE key = ? RETURNING last_sequence'),
  append: db.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
  countTopic: db.prepare(
    `INSERT INTO topics VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET last_sequence = last_sequence + 1 RETURNING last_sequence`,
  ),
  replace: db.prepare('INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)'),
  remove: db.prepare('DELETE FROM records WHERE workspace = ? AND kind = ? AND id = ?'),
  one: db.prepare('SELECT kind, id, value FROM records WHERE workspace = ? AND kind = ? AND id = ?'),
  all: db.prepare('SELECT kind, id, value FROM records WHERE workspace = ? AND kind = ? ORDER BY id'),
  forgetEvents: db.prepare('DELETE FROM events WHERE workspace = ? AND run_id = ?'),
  forgetLaneEvents: db.prepare('DELETE FROM events WHERE workspace = ? AND lane_id = ?'),
  forgetRecords: db.prepare('DELETE FROM records WHERE workspace = ? AND run_id = ?'),
})

/** @returns the key of the workspace in this file, or undefined where it is new. */
export const workspaceKey = (db: DatabaseSync, workspaceId: WorkspaceId): number | undefined => {
  const row = db.prepare('SELECT key FROM workspaces WHERE id = ?').get(workspaceId)
  return row === undefined ? undefined : Number(row['key'])
}

/** Adds the workspace where it is new. The caller has begun a transaction. */
export const addWorkspace = (db: DatabaseSync, workspaceId: WorkspaceId): number => {
  db.prepare('INSERT OR IGNORE INTO workspaces (id) VALUES (?)').run(workspaceId)
  return Number(workspaceKey(db, workspaceId))
}

/** Prepares everything, which also shows that the tables are as expected. */
export const statements = (db: DatabaseSync, key: number, workspaceId: WorkspaceId): Statements => {
  const sql = prepareAll(db)
  const records = (kind: string): StoredRecord[] => sql.all.all(key, kind).map(toRecord)
  return {
    apply: ({ events, records: replaced, deleted }) => {
      const last = events.length === 0 ? 0 : Number(sql.count.get(events.length, key)?.['last_sequence'])
      const stored = events.map((event, index) => {
        const sequence = last - events.length + 1 + index
        const topicSequence = Number(sql.countTopic.get(key, event.type)?.['last_sequence'])
        sql.append.run(key, sequence, event.type, event.at, ...optional(event), event.json, topicSequence)
        const { json, ...rest } = event
        return { ...rest, payload: parse(json), sequence, topicSequence, workspaceId }
      })
      for (const { kind, id, runId, json } of replaced) sql.replace.run(key, kind, id, runId, json)
      for (const { kind, id } of deleted) sql.remove.run(key, kind, id)
      return stored
    },
    page: (query, { from, before, limit }) => {
      const { sql: conditions, values } = where(query)
      const order = query.newest === true ? 'DESC' : 'ASC'
      const text = `SELECT * FROM events WHERE workspace = ? AND sequence >= ? AND sequence < ? ${conditions} ORDER BY sequence ${order} LIMIT ?`
      return db
        .prepare(text)
        .all(key, from, before, ...values, limit)
        .map((row) => toEvent(row, workspaceId))
    },
    record: (kind, id) => {
      const row = sql.one.get(key, kind, id)
      return row === undefined ? undefined : toRecord(row)
    },
    records,
    forget: (at) => {
      const runs = records('run').filter(({ value }) => endedBefore(value, at))
      const lanes = records('lane').filter(({ value }) => isOwnLane(value) && endedBefore(value, at))
      for (const { id } of runs) sql.forgetEvents.run(key, id)
      for (const { id } of lanes) sql.forgetLaneEvents.run(key, id)
      const ids = [...runs, ...lanes].map(({ id }) => id)
      for (const id of ids) sql.forgetRecords.run(key, id)
      return ids
    },
  }
}
