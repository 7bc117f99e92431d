import { laneName, laneTreeName, ptyName, runName, terminalsName } from '../../actors/names.ts'
import { exists } from '../../adapters/git/files.ts'
import type { DeadLetter } from '../../kernel/types.ts'
import type { RecordedEvent } from '../../protocols/events.ts'
import type { PtyHealth } from '../../protocols/health.ts'
import type { PtyId } from '../../protocols/ids.ts'
import type { ProcessKey } from '../../protocols/process-key.ts'
import type { PtyRecord } from '../../protocols/records.ts'
import type { WhyAnswer } from '../../protocols/why.ts'
import type { Inspection as Looked } from '../../supervisors/system.types.ts'
import { briefOf } from '../crashes/crash-brief.ts'
import { textOf } from '../event-text.ts'
import type { FiledDossier } from '../inspection.ts'
import { readLastWords } from '../last-words.ts'
import { readHostRecord } from '../host/host-record.ts'
import type { RuntimeRecords } from '../records.ts'
import { explain } from './explain.ts'
import type { Seen, WhyFacts } from './facts.ts'
import { diskOf, gitLocks } from './look.ts'
import { findSubject, type Found } from './subject.ts'

/** Where an answer is looked for. */
export type WhySource = {
  readonly now: () => number
  readonly records: Pick<RuntimeRecords, 'runs' | 'lanes' | 'terminals' | 'events' | 'all'>
  readonly crashes: () => Promise<readonly FiledDossier[]>
  readonly stateDirectory: string
  readonly commonDir: string
  readonly failures: string
  /** This boot of the machine. */
  readonly bootId: string
  readonly isAlive: (owner: ProcessKey) => boolean
  /** Whether some process runs lanes of the workspace. */
  readonly isServed: () => Promise<boolean>
  /** Of a process that runs lanes: what is in its memory. */
  readonly live: Live | null
}

export type Live = {
  readonly inspect: (name: string) => Looked | undefined
  /** Names of all actors. */
  readonly actors: () => readonly string[]
  readonly deadLetters: () => readonly DeadLetter[]
  readonly health: (ptyId: PtyId) => Promise<PtyHealth | null>
}

/** Newest events looked through for those of an actor that belongs to no lane. */
const ACTOR_EVENTS = 10_000

const ownerOf = async ({ isAlive, isServed, bootId, live }: WhySource, { run, lane, subject }: Found): Promise<Seen['owner']> => {
  if (run !== null) {
    const { owner } = run
    if (isAlive(owner)) return { pid: owner.pid, state: 'alive' }
    return { pid: owner.pid, state: owner.bootId === bootId ? 'dead' : 'rebooted' }
  }
  if (lane === null) return null
  if (live !== null) return { pid: process.pid, state: live.inspect(laneTreeName(lane.id)) === undefined ? 'dead' : 'alive' }
  return subject.kind === 'actor' || (await isServed()) ? null : { pid: null, state: 'dead' }
}

/** The actors that look after it. */
const behind = ({ subject, run }: Found): readonly string[] => {
  const { kind, name, laneId, terminalId, runId } = subject
  if (kind === 'actor') return [name]
  return [
    ...(laneId === null ? [] : [laneName(laneId), terminalsName(laneId)]),
    ...(terminalId === null ? [] : [ptyName(terminalId)]),
    ...(runId === null || run?.endedAt !== null ? [] : [runName(runId)]),
  ]
}

const SETTING_UP = ['new', 'provisioning', 'cleaning']
const STANDING = ['ready', 'running']

/** The state of its lane, as recorded last. */
const laneState = (events: readonly RecordedEvent[], found: Found): string => {
  const last = events.findLast(({ type, laneId }) => type === 'lane.state-changed' && laneId === found.subject.laneId)
  return last === undefined ? '' : textOf(last, 'to')
}

/** What cannot be looked at is taken to be there. */
const isMissing = async (path: string): Promise<boolean> => !(await exists(path).catch(() => true))

const lastPty = (events: readonly RecordedEvent[], { subject }: Found): PtyId | null =>
  events.findLast(({ type, terminalId }) => type === 'pty.spawned' && terminalId === subject.terminalId)?.ptyId ?? null

/** Whether a process of it is there without the one that ran it. */
const livesOn = async ({ records, commonDir, isAlive }: WhySource, { subject }: Found): Promise<boolean> => {
  if (readHostRecord(commonDir, { isAlive }) === null) return false
  const { runId, laneId, terminalId } = subject
  const isOf = (pty: PtyRecord): boolean =>
    terminalId === null ? (laneId === null ? pty.runId === runId : pty.laneId === laneId) : pty.terminalId === terminalId
  const ptys = await records.all<PtyRecord>('pty')
  return ptys.some((pty) => pty.endedAt === null && pty.process !== null && isOf(pty) && isAlive(pty.process))
}

const look = async (source: WhySource, found: Found, events: readonly RecordedEvent[], now: number): Promise<Seen> => {
  const { live, failures, commonDir, stateDirectory } = source
  const state = laneState(events, found)
  const pty = found.subject.terminalId === null ? null : lastPty(events, found)
  // At once, since it is told how long they have been at it: until `now`.
  const actors = live === null ? [] : behind(found).flatMap((name) => live.inspect(name) ?? [])
  const owner = await ownerOf(source, found)
  const said = found.run === null ? null : readLastWords(failures, found.run.owner)
  return {
    actors,
    deadLetters: live?.deadLetters() ?? [],
    health: live === null || pty === null ? null : await live.health(pty),
    // A process that embeds signalbox may have had others run before.
    lastWords: said !== null && found.run !== null && said.at >= found.run.startedAt ? said : null,
    owner,
    livesOn: owner?.state === 'dead' && (await livesOn(source, found)),
    locks: SETTING_UP.includes(state) ? await gitLocks(commonDir, now) : [],
    isWorktreeGone: found.lane !== null && STANDING.includes(state) && (await isMissing(found.lane.worktree.path)),
    disk: await diskOf(stateDirectory),
  }
}

const eventsOf = ({ records }: WhySource, { subject }: Found): Promise<readonly RecordedEvent[]> => {
  const { kind, runId, laneId } = subject
  if (kind === 'actor') return records.events({ types: ['actor.crashed', 'supervisor.decided'], newest: true, limit: ACTOR_EVENTS })
  if (runId !== null) return records.events({ runId })
  return laneId === null ? Promise.resolve([]) : records.events({ laneId })
}

const lastCrash = (crashes: readonly FiledDossier[], { subject }: Found): FiledDossier | undefined => {
  const { kind, name, laneId, runId } = subject
  const command = kind === 'command' || kind === 'terminal' ? name.slice(name.indexOf('/') + 1) : null
  return crashes.findLast((one) => {
    if (kind === 'actor') return one.actor.name === name
    if (kind === 'run') return one.runId === runId
    return one.laneId === laneId && (command === null || one.command === command)
  })
}

/**
 * Answers why a run, lane, command or actor is as it is.
 * @param word as `findSubject`
 * @throws ERR_RUN_NOT_FOUND, ERR_STORE_…
 */
export const answerWhy = async (source: WhySource, word: string, run?: string): Promise<WhyAnswer> => {
  const { records, live } = source
  const crashes = await source.crashes()
  const found = findSubject(
    {
      runs: await records.runs(),
      lanes: await records.lanes(),
      terminals: await records.terminals(),
      actors: [
        ...new Set([
          ...(live?.actors() ?? []),
          ...(live?.deadLetters() ?? []).map(({ to }) => to.replace(/\$\d+$/u, '')),
          ...crashes.map(({ actor }) => actor.name),
        ]),
      ],
    },
    word,
    run,
  )
  const events = await eventsOf(source, found)
  const now = source.now()
  const crash = lastCrash(crashes, found)
  const facts: WhyFacts = {
    now,
    subject: found.subject,
    run: found.run,
    lane: found.lane,
    events,
    crash: crash === undefined ? null : briefOf(crash),
    seen: await look(source, found, events, now),
  }
  return explain(facts)
}
