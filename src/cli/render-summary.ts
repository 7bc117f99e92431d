import type { CommandSummary, LaneSummary, RunSummary } from '../protocols/summary.ts'
import { outcomeMark } from './marks.ts'
import type { Paint } from './paint.ts'
import { count } from './plural.ts'
import { column, duration, exitText, plainLine } from './text.ts'
import { wrap } from './wrap.ts'

const UNCOMMITTED_SHOWN = 5

type Look = { readonly paint: Paint; readonly columns: number }

/** Restarts: attempts beyond the first. */
const restartsOf = (command: CommandSummary): number => Math.max(0, command.attempts - 1)

const field = (name: string, value: string): string => `    ${name.padEnd(12)}${value}`

const fileList = (files: readonly string[]): string => {
  const shown = files.slice(0, UNCOMMITTED_SHOWN).map(plainLine).join(', ')
  return files.length > UNCOMMITTED_SHOWN ? `${shown} and ${files.length - UNCOMMITTED_SHOWN} more` : shown
}

/** @param told what the lane says already */
const commandLines = (command: CommandSummary, names: number, told: string, { paint, columns }: Look): string[] => {
  const mark = outcomeMark(command.outcome)
  const attempts = command.attempts > 1 ? `, ${command.attempts} attempts` : ''
  const how = command.attempts === 0 ? '' : `${exitText(command.exitCode, command.signal)}${attempts}`
  const reason = command.reason === null || told.includes(command.reason) ? [] : wrap(plainLine(command.reason), '      ', columns)
  return [
    `    ${paint(mark.style, mark.sign)} ${column(command.name, names)}  ${paint(mark.style, mark.word.padEnd(11))}  ${how}`.trimEnd(),
    ...reason,
    ...(command.log === null ? [] : [`      ${paint('dim', `log ${command.log}`)}`]),
  ]
}

const laneLines = (lane: LaneSummary, names: number, look: Look): string[] => {
  const { paint, columns } = look
  const mark = outcomeMark(lane.outcome)
  const restarts = lane.commands.reduce((sum, command) => sum + restartsOf(command), 0)
  const head = [duration(lane.durationMs), count(restarts, 'restart')].join('  ')
  const inner = Math.max(...lane.commands.map(({ name }) => name.length), 0)
  return [
    `${paint(mark.style, mark.sign)} ${paint('bold', column(lane.name, names))}  ${paint(mark.style, mark.word.padEnd(11))}  ${head}`,
    ...(lane.reason === null ? [] : wrap(plainLine(lane.reason), field('reason', ''), columns)),
    ...(lane.branch === null ? [] : [field('branch', `${lane.branch} (${count(lane.commits, 'commit')})`)]),
    ...(lane.worktree === null ? [] : [field('worktree', `kept: ${lane.worktree}`)]),
    ...(lane.uncommitted.length === 0 ? [] : [field('uncommitted', fileList(lane.uncommitted))]),
    ...lane.commands.flatMap((command) => commandLines(command, inner, lane.reason ?? '', look)),
  ]
}

const totals = (summary: RunSummary): string => {
  const counts = new Map<string, number>()
  for (const { outcome } of summary.lanes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  return [...counts].map(([outcome, number]) => `${number} ${outcome}`).join(', ')
}

/** The end of a run for people: every lane with outcome, time, restarts, branch, what it left and where its logs lie. @param columns of their screen */
export const renderSummary = (summary: RunSummary, paint: Paint, columns: number = Infinity): string[] => {
  const names = Math.max(...summary.lanes.map(({ name }) => name.length), 0)
  const mark = outcomeMark(summary.outcome)
  const failed = summary.lanes.find(({ outcome }) => outcome === 'failed')
  return [
    ...summary.lanes.flatMap((lane) => laneLines(lane, names, { paint, columns })),
    '',
    `${paint(mark.style, `${mark.sign} ${mark.word}`)} in ${duration(summary.durationMs)}: ${totals(summary)}  (${summary.runId})`,
    ...(failed === undefined ? [] : [`next: signalbox why ${failed.name}`]),
  ]
}
