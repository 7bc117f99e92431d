import { relative } from 'node:path'
import type { LaneInfo } from '../protocols/control/views.ts'
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
export type LaneLsOptions = LaneOptions & { readonly all?: boolean }

/** `signalbox lane add NAME`. */
export const laneAddCommand = async (name: string, { base, json }: LaneAddOptions, io: Io): Promise<number> => {
  const params = { name, ...(base !== undefined && { base }) }
  const { lane } = await withOrchestrator(io, 'lane add', (client) => client.call('lane.create', params))
  if (json === true) printJson(io, { type: 'lane', lane })
  else printLines(io, [`lane ${lane.name}: branch ${lane.branch} at ${lane.baseCommit.slice(0, 12)}`, `  ${plainLine(lane.worktree)}`])
  return EXIT.ok
}

/** The shorter one of the path and the way to it from here. */
const pathFrom = (cwd: string, path: string): string => {
  const way = relative(cwd, path)
  return way !== '' && way.length < path.length ? way : path
}

/** What is there of a lane: of one that has ended, what was kept. */
const placesOf = ({ summary, branch, worktree }: LaneInfo): { readonly branch: string; readonly worktree: string } =>
  summary === null ? { branch, worktree } : { branch: summary.branch ?? '-', worktree: summary.worktree ?? '-' }

/** `signalbox lane ls`. */
export const laneLsCommand = async ({ all = false, json }: LaneLsOptions, io: Io): Promise<number> => {
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

const leftOf = ({ branch, commits, worktree, reason }: LaneSummary): readonly string[] => [
  branch === null ? '  its branch had no commits, and is gone too' : `  branch ${branch} stays, with ${count(commits, 'commit')}`,
  ...(worktree === null ? [] : [`  worktree ${plainLine(worktree)} stays`]),
  ...(reason === null ? [] : [`  ${plainLine(reason)}`]),
]

/** `signalbox lane rm LANE`. */
export const laneRmCommand = async (word: string, { json }: LaneOptions, io: Io): Promise<number> => {
  const { summary } = await withOrchestrator(io, 'lane rm', (client) => client.call('lane.remove', { lane: word }))
  if (json === true) printJson(io, { type: 'lane-removed', summary })
  else printLines(io, [`${summary.worktree === null ? 'removed' : 'ended'}: lane ${summary.name}`, ...leftOf(summary)])
  return EXIT.ok
}
