import { SignalboxError } from '../../protocols/errors.ts'
import type { LaneId, RunId, TerminalId } from '../../protocols/ids.ts'
import type { LaneRecord, RunRecord, TerminalRecord } from '../../protocols/records.ts'
import { nearest } from '../../protocols/suggest.ts'
import type { WhySubject } from '../../protocols/why.ts'

/** What a word may name. Lists are oldest first. */
export type Named = {
  readonly runs: readonly RunRecord[]
  /** Of runs, and of their own. */
  readonly lanes: readonly LaneRecord[]
  readonly terminals: readonly TerminalRecord[]
  /** Actors that run where the question is answered, and those of which a crash is on record. */
  readonly actors: readonly string[]
}

export type Found = { readonly subject: WhySubject; readonly run: RunRecord | null; readonly lane: LaneRecord | null }

/** Fewer letters of an id than its prefix and four more are a name. */
const ID_START = /^(rn|ln|tm)_[0-9A-HJKMNP-TV-Z]{4,26}$/iu

const notFound = (what: string, word: string, candidates: readonly string[]): SignalboxError => {
  const names = [...new Set(candidates)]
  const meant = nearest(word, names)
  const some =
    names.length === 0
      ? 'there are none; start one with: signalbox run PLAN'
      : `there are ${names.slice(0, 10).join(', ')}${names.length > 10 ? ' …' : ''}`
  const hint = meant === undefined ? some : `did you mean "${meant}"?`
  return new SignalboxError('ERR_RUN_NOT_FOUND', `no ${what} "${word}" is recorded; ${hint}`, { context: { what, word } })
}

const byStart = <T extends { readonly id: string }>(word: string, all: readonly T[]): T | undefined => {
  const start = `${word.slice(0, 3).toLowerCase()}${word.slice(3).toUpperCase()}`
  const [found, ...others] = all.filter(({ id }) => id.startsWith(start))
  if (others.length === 0) return found
  throw new SignalboxError('ERR_RUN_NOT_FOUND', `${others.length + 1} ids begin with ${word}; use more of it`, { context: { word } })
}

const subjectOf = (kind: WhySubject['kind'], name: string, ids: Partial<WhySubject>): WhySubject => ({
  kind,
  name,
  runId: null,
  laneId: null,
  terminalId: null,
  ...ids,
})

const ofRun = (run: RunRecord): Found => ({ subject: subjectOf('run', run.id, { runId: run.id }), run, lane: null })

const ofActor = (name: string): Found => ({ subject: subjectOf('actor', name, {}), run: null, lane: null })

type Place = { readonly run: RunRecord | null; readonly lane: LaneRecord | null; readonly laneId: LaneId; readonly name: string }

/** A lane of a run, begun or not, or one of its own. */
const ofLane = ({ run, lane, laneId, name }: Place, command: string | null, { terminals }: Named): Found => {
  const runId = run?.id ?? null
  if (command === null) return { subject: subjectOf('lane', name, { runId, laneId }), run, lane }
  const own = terminals.filter((one) => one.laneId === laneId)
  const planned = run?.plan.lanes.find((one) => one.name === name)?.commands.map((one) => one.name)
  const known = [...(planned ?? []), ...own.map((one) => one.command), ...(lane?.terminals ?? []).map((one) => one.command)]
  if (!known.includes(command)) throw notFound(`command of lane ${name}`, command, known)
  const terminalId: TerminalId | null = own.find((one) => one.command === command)?.id ?? null
  const kind = run === null ? 'terminal' : 'command'
  return { subject: subjectOf(kind, `${name}/${command}`, { runId, laneId, terminalId }), run, lane }
}

const placesOf = ({ runs, lanes }: Named): readonly Place[] => {
  const ofRuns = runs.flatMap((run) =>
    run.lanes.map(({ name, id }): Place & { at: number } => ({
      run,
      lane: lanes.find((lane) => lane.id === id) ?? null,
      laneId: id,
      name,
      at: run.startedAt,
    })),
  )
  const own = lanes
    .filter(({ runId }) => runId === null)
    .map((lane): Place & { at: number } => ({ run: null, lane, laneId: lane.id, name: lane.name, at: lane.createdAt }))
  return [...ofRuns, ...own].toSorted((one, other) => one.at - other.at)
}

const goesOn = ({ run, lane }: Place): boolean => (run === null ? lane?.endedAt === null : run.endedAt === null)

const byId = (word: string, named: Named, places: readonly Place[]): Found | undefined => {
  if (!ID_START.test(word)) return undefined
  const run = byStart(word, named.runs)
  if (run !== undefined) return ofRun(run)
  const place = byStart(
    word,
    places.map((one) => ({ ...one, id: one.laneId as string })),
  )
  if (place !== undefined) return ofLane(place, null, named)
  const terminal = byStart(word, named.terminals)
  const around = places.find(({ laneId }) => laneId === terminal?.laneId)
  return terminal === undefined || around === undefined ? undefined : ofLane(around, terminal.command, named)
}

const inRun = (places: readonly Place[], runs: readonly RunRecord[], id: string | undefined): readonly Place[] => {
  if (id === undefined) return places
  const run: RunId | undefined = (
    id === 'latest' ? runs.at(-1) : (runs.find((one) => one.id === id) ?? (ID_START.test(id) ? byStart(id, runs) : undefined))
  )?.id
  if (run === undefined) throw notFound('run', id, runs.map((one) => one.id).toReversed())
  return places.filter((place) => place.run?.id === run)
}

/**
 * What a word means: LANE, LANE/COMMAND, an id or the beginning of one, `latest` for the newest run, the name of an actor
 * or of a command that only one lane has. Of several lanes of a name one that has not ended, or else the newest.
 * @param runId the run meant
 * @throws ERR_RUN_NOT_FOUND, with the nearest name
 */
export const findSubject = (named: Named, word: string, runId?: string): Found => {
  const places = inRun(placesOf(named), named.runs, runId)
  const known = runId === undefined ? byId(word, named, places) : undefined
  if (known !== undefined) return known
  const slash = word.indexOf('/')
  const name = slash < 0 ? word : word.slice(0, slash)
  const command = slash < 0 ? null : word.slice(slash + 1)
  const lanes = places.filter((place) => place.name === name)
  const lane = lanes.findLast(goesOn) ?? lanes.at(-1)
  if (lane !== undefined) return ofLane(lane, command, named)
  const latest = named.runs.at(-1)
  if (word === 'latest' && latest !== undefined) return ofRun(latest)
  if (named.actors.includes(word)) return ofActor(word)
  const terminals = named.terminals.filter(
    (one) => one.command === word && places.some((place) => place.laneId === one.laneId && goesOn(place)),
  )
  const around = places.find(({ laneId }) => laneId === terminals[0]?.laneId)
  if (terminals.length === 1 && around !== undefined) return ofLane(around, word, named)
  throw notFound(slash < 0 ? 'lane, run or actor' : 'lane', name, [...places.map((place) => place.name).toReversed(), ...named.actors])
}
