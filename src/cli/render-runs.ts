import type { RunRecord } from '../protocols/records.ts'
import { outcomeMark } from './marks.ts'
import type { Paint } from './paint.ts'
import { count } from './plural.ts'
import { duration } from './text.ts'

/** A past or present run. `alive`: the process that runs it still lives. */
export type ListedRun = { readonly run: RunRecord; readonly alive: boolean }

const stamp = (at: number): string => new Date(at).toISOString().slice(0, 19).replace('T', ' ')

const lineOf = ({ run, alive }: ListedRun, now: number, paint: Paint): string => {
  // without an outcome and without a process: it was killed
  const outcome = run.outcome ?? (alive ? null : 'interrupted')
  const mark = outcome === null ? { sign: '●', word: 'running', style: 'cyan' as const } : outcomeMark(outcome)
  const time = run.endedAt === null ? (alive ? duration(now - run.startedAt) : '') : duration(run.endedAt - run.startedAt)
  const failed = run.summary?.lanes.filter((lane) => lane.outcome === 'failed').map(({ name }) => name) ?? []
  const failures = failed.length === 0 ? '' : `, failed: ${failed.join(', ')}`
  const state = paint(mark.style, `${mark.sign} ${mark.word.padEnd(11)}`)
  return `${run.id}  ${stamp(run.startedAt)}Z  ${state}  ${time.padStart(7)}  ${count(run.lanes.length, 'lane')}${failures}`
}

/** Runs, oldest first, one a line. */
export const renderRuns = (runs: readonly ListedRun[], now: number, paint: Paint): string[] =>
  runs.length === 0 ? ['no runs yet; start one with: signalbox run PLAN'] : runs.map((run) => lineOf(run, now, paint))
