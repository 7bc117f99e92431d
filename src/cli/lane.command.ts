import { relative } from 'node:path'
import type { LaneInfo } from '../protocols/control/views.ts'
import { SignalboxError } from '../protocols/errors.ts'
import type { LaneSummary } from '../protocols/summary.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, printJson, printLines } from './io.ts'
import { withOrchestrator } from './orchestrator-client.ts'
import { plainLine } from './plain.ts'
import { count } from './plural.ts'
import { terminalTable } from './render-terminals.ts'
import { table, widthOfScreen } from './table.ts'

export type LaneOptions = { readonly json?: boolean }
export type LaneAddOptions = LaneOptions & { readonly base?: string }
export type LaneLsOptions = LaneOptions & { readonly all?: boolean; readonly removed?: boolean }
export type LaneRmOptions = LaneOptions & { readonly save?: boolean; readonly ignored?: boolean }

/** `signalbox lane add NAME`. */
export const laneAddCommand = async (name: string, { base, json }: LaneAddOptions, io: Io): Promise<number> => {
  const params = { name, ...(base !== undefined && { base }) }
  const { lane } = await withOrchestrator(io, 'lane add', (client) => client.call('lane.create', params))
  return tellLane(io, '', lane, json === true)
}

/** The shorter one of the path and the way to it from here. */
const pathFrom = (cwd: string, path: string): string => {
  const way = relative(cwd, path)
  return way !== '' && way.length < path.length ? way : path
}

/** What is there of a lane: of one that has ended, what was kept. */
const placesOf = ({ summary, branch, worktree }: LaneInfo): { readonly branch: string; readonly worktree: string } =>
  summary === null ? { branch, worktree } : { branch: summary.branch ?? '-', worktree: summary.worktree ?? '-' }

const day = (at: number): string => new Date(at).toISOString().slice(0, 10)

const listRemoved = async (json: boolean, io: Io): Promise<number> => {
  const { lanes } = await withOrchestrator(io, 'lane ls', (client) => client.call('lane.removed', {}))
  if (json) printJson(io, { type: 'removed-lanes', lanes })
  else if (lanes.length === 0) printLines(io, ['no removed lanes are saved; `signalbox lane rm --save` saves them'])
  else {
    const rows = lanes.map(({ id, name, savedAt, expiresAt, commits, uncommitted }) => {
      const removed = `${new Date(savedAt).toISOString().slice(0, 19)}Z`
      return [name, id, removed, day(expiresAt), `${count(commits, 'commit')}, ${count(uncommitted.length, 'uncommitted file')}`]
    })
    printLines(io, table(['LANE', 'ID', 'REMOVED', 'KEPT UNTIL', 'HOLDS'], rows, widthOfScreen(io.out), 'ID'))
  }
  return EXIT.ok
}

/** `signalbox lane ls`. */
export const laneLsCommand = async ({ all = false, removed = false, json }: LaneLsOptions, io: Io): Promise<number> => {
  if (removed) return listRemoved(json === true, io)
  const { lanes } = await withOrchestrator(io, 'lane ls', (client) => client.call('lane.list', { all }))
  if (json === true) printJson(io, { type: 'lanes', lanes })
  else if (lanes.length === 0) printLines(io, ['no lanes; make one with: signalbox lane add NAME'])
  else {
    const rows = lanes.map((lane) => {
      const { branch, worktree } = placesOf(lane)
      return [lane.name, lane.id, lane.state, branch, plainLine(worktree === '-' ? worktree : pathFrom(io.cwd, worktree))]
    })
    printLines(io, table(['LANE', 'ID', 'STATE', 'BRANCH', 'WORKTREE'], rows, widthOfScreen(io.out), 'ID'))
  }
  return EXIT.ok
}

/** `signalbox lane show LANE`. */
export const laneShowCommand = async (word: string, { json }: LaneOptions, io: Io): Promise<number> => {
  const { lane, terminals } = await withOrchestrator(io, 'lane show', (client) => client.call('lane.get', { lane: word }))
  if (json === true) {
    printJson(io, { type: 'lane', lane, terminals })
    return EXIT.ok
  }
  const { name, id, runId, state, baseCommit, createdAt, summary } = lane
  const { branch, worktree } = placesOf(lane)
  printLines(io, [
    `lane ${name}: ${state}${summary === null ? '' : ` (${summary.outcome}${summary.reason === null ? '' : `: ${plainLine(summary.reason)}`})`}`,
    `  id        ${id}${runId === null ? '' : `, of run ${runId}`}`,
    `  branch    ${branch} from ${baseCommit.slice(0, 12)}`,
    `  worktree  ${plainLine(worktree)}`,
    `  created   ${new Date(createdAt).toISOString()}`,
    ...(terminals.length === 0 ? ['no terminals'] : ['', ...terminalTable(terminals, widthOfScreen(io.out))]),
  ])
  return EXIT.ok
}

const leftOf = ({ name, branch, commits, worktree, saved, reason }: LaneSummary): readonly string[] => [
  ...(saved === true
    ? [`  all that it held is saved, with ${count(commits, 'commit')}; bring it back with: signalbox lane undo ${name}`]
    : []),
  ...(saved === true && branch === null ? [] : [branchLeft(branch, commits)]),
  ...(worktree === null ? [] : [`  worktree ${plainLine(worktree)} stays`]),
  ...(reason === null ? [] : [`  ${plainLine(reason)}`]),
]

const branchLeft = (branch: string | null, commits: number): string =>
  branch === null ? '  its branch had no commits, and is gone too' : `  branch ${branch} stays, with ${count(commits, 'commit')}`

/** `signalbox lane rm LANE`. */
export const laneRmCommand = async (word: string, { save, ignored, json }: LaneRmOptions, io: Io): Promise<number> => {
  if (ignored === true && save !== true)
    throw new SignalboxError('ERR_USAGE', '--ignored says what --save saves; without --save ignored files are removed')
  const params = { lane: word, ...(save === true && { save }), ...(ignored === true && { ignored }) }
  const { summary } = await withOrchestrator(io, 'lane rm', (client) => client.call('lane.remove', params))
  if (json === true) printJson(io, { type: 'lane-removed', summary })
  else printLines(io, [`${summary.worktree === null ? 'removed' : 'ended'}: lane ${summary.name}`, ...leftOf(summary)])
  return EXIT.ok
}

const tellLane = (io: Io, said: string, lane: LaneInfo, json: boolean): number => {
  if (json) printJson(io, { type: 'lane', lane })
  else
    printLines(io, [`${said}lane ${lane.name}: branch ${lane.branch} at ${lane.baseCommit.slice(0, 12)}`, `  ${plainLine(lane.worktree)}`])
  return EXIT.ok
}

/** `signalbox lane undo LANE`. */
export const laneUndoCommand = async (word: string, { json }: LaneOptions, io: Io): Promise<number> => {
  const { lane } = await withOrchestrator(io, 'lane undo', (client) => client.call('lane.undo', { lane: word }))
  return tellLane(io, 'back: ', lane, json === true)
}
