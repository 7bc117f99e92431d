import type { DatabaseSync } from 'node:sqlite'
import { SignalboxError } from '../../protocols/errors.ts'

/**
 * Step n brings a file from version n to n + 1. A step that was released never changes.
 * Tables without rowid: an index then ends with (workspace, sequence), so a query by run, lane, terminal or PTY is read
 * from it in order. `last_sequence` outlives forgotten events: a number is never given twice.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE workspaces (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, last_sequence INTEGER NOT NULL DEFAULT 0) STRICT;
   CREATE TABLE events (
     workspace INTEGER NOT NULL, sequence INTEGER NOT NULL, type TEXT NOT NULL, at REAL NOT NULL,
     run_id TEXT, lane_id TEXT, terminal_id TEXT, pty_id TEXT, correlation_id TEXT, causation_id TEXT, payload TEXT NOT NULL,
     PRIMARY KEY (workspace, sequence)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX events_run ON events (workspace, run_id, sequence) WHERE run_id IS NOT NULL;
   CREATE INDEX events_lane ON events (workspace, lane_id, sequence) WHERE lane_id IS NOT NULL;
   CREATE INDEX events_terminal ON events (workspace, terminal_id, sequence) WHERE terminal_id IS NOT NULL;
   CREATE INDEX events_pty ON events (workspace, pty_id, sequence) WHERE pty_id IS NOT NULL;
   CREATE TABLE records (
     workspace INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, run_id TEXT, value TEXT NOT NULL,
     PRIMARY KEY (workspace, kind, id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX records_run ON records (workspace, run_id) WHERE run_id IS NOT NULL;`,
  // Events are numbered by type too. Those of old files that were forgotten had no such number yet.
  `CREATE TABLE topics (
     workspace INTEGER NOT NULL, topic TEXT NOT NULL, last_sequence INTEGER NOT NULL, PRIMARY KEY (workspace, topic)
   ) STRICT, WITHOUT ROWID;
   ALTER TABLE events ADD COLUMN topic_sequence INTEGER NOT NULL DEFAULT 0;
   UPDATE events SET topic_sequence = numbered.place FROM (
     SELECT workspace AS w, sequence AS s, row_number() OVER (PARTITION BY workspace, type ORDER BY sequence) AS place FROM events
   ) AS numbered WHERE workspace = numbered.w AND sequence = numbered.s;
   INSERT INTO topics SELECT workspace, type, max(topic_sequence) FROM events GROUP BY workspace, type;
   CREATE INDEX events_topic ON events (workspace, type, sequence);`,
]

/** Version of the files that this signalbox writes. */
export const STORE_VERSION: number = MIGRATIONS.length

const versionOf = (db: DatabaseSync): number => Number(db.prepare('PRAGMA user_version').get()?.['user_version'])

/** @throws ERR_STORE_TOO_NEW */
export const assertKnownVersion = (db: DatabaseSync, path: string): void => {
  const version = versionOf(db)
  if (version <= STORE_VERSION) return
  const text = `${path}: the store has version ${version}, this signalbox knows up to ${STORE_VERSION}; use the newer signalbox or another state directory`
  throw new SignalboxError('ERR_STORE_TOO_NEW', text, { context: { path, version, known: STORE_VERSION } })
}

export const isMigrationNeeded = (db: DatabaseSync): boolean => versionOf(db) !== STORE_VERSION

/**
 * Brings the file to the present version. The caller has begun a transaction, so the version is read again: another
 * process may have been faster.
 * @throws ERR_STORE_TOO_NEW
 */
export const migrate = (db: DatabaseSync, path: string): void => {
  assertKnownVersion(db, path)
  const version = versionOf(db)
  if (version === STORE_VERSION) return
  for (const step of MIGRATIONS.slice(version)) db.exec(step)
  db.exec(`PRAGMA user_version = ${STORE_VERSION}`)
}
