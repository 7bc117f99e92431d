import { SignalboxError } from '../protocols/errors.ts'
import type { LaneId } from '../protocols/ids.ts'
import type { RunRecord } from '../protocols/records.ts'
import { nearest } from '../protocols/suggest.ts'

/** What `LANE/COMMAND` and `--run` mean. */
export type Place = { readonly run: RunRecord; readonly lane: string; readonly laneId: LaneId; readonly command: string | null }

const meaning = (word: string, candidates: readonly string[]): string => {
  const meant = nearest(word, candidates)
  if (meant !== undefined) return `did you mean "${meant}"?`
  return candidates.length === 0 ? 'there are none' : `there are ${candidates.slice(0, 10).join(', ')}${candidates.length > 10 ? ' …' : ''}`
}

const notFound = (what: string, word: string, candidates: readonly string[]): SignalboxError =>
  new SignalboxError('ERR_RUN_NOT_FOUND', `no ${what} "${word}" is recorded; ${meaning(word, candidates)}`, { context: { what, word } })

const chooseRun = (runs: readonly RunRecord[], lane: string, id: string | undefined): RunRecord => {
  if (id !== undefined) {
    const run = runs.find((candidate) => candidate.id === id)
    if (run === undefined) throw notFound('run', id, runs.map((candidate) => candidate.id).toReversed())
    return run
  }
  const latest = runs.at(-1)
  if (latest === undefined) throw new SignalboxError('ERR_RUN_NOT_FOUND', 'no run is recorded here yet; start one with: signalbox run PLAN')
  return runs.findLast(({ lanes }) => lanes.some(({ name }) => name === lane)) ?? latest
}

/**
 * Finds what is meant in the run named, or else in the newest one that has such a lane.
 * @param runs oldest first
 * @throws ERR_RUN_NOT_FOUND, with the nearest name
 */
export const findPlace = (runs: readonly RunRecord[], place: string, runId: string | undefined): Place => {
  const slash = place.indexOf('/')
  const lane = slash < 0 ? place : place.slice(0, slash)
  const command = slash < 0 ? null : place.slice(slash + 1)
  const run = chooseRun(runs, lane, runId)
  const known = run.lanes.find(({ name }) => name === lane)
  if (known === undefined)
    throw notFound(
      'lane',
      lane,
      run.lanes.map(({ name }) => name),
    )
  const commands = run.plan.lanes.find(({ name }) => name === lane)?.commands.map(({ name }) => name) ?? []
  if (command !== null && !commands.includes(command)) throw notFound(`command of lane ${lane}`, command, commands)
  return { run, lane, laneId: known.id, command }
}
