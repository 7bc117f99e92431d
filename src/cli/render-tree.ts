import type { CommandView, LaneView, RunView } from '../protocols/view.ts'
import { commandMark, laneMark, type Mark } from './marks.ts'
import type { Paint } from './paint.ts'
import { count } from './plural.ts'
import { column, cut, plainLine, wholeSeconds } from './text.ts'

export type TreeOptions = {
  /** Columns of the terminal; no line is longer. */
  readonly width: number
  /** Rows that may be used; beyond them lanes are counted instead of shown. */
  readonly height: number
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly paint: Paint
}

const NAME_MIN = 8
const NAME_MAX = 24
const STATE = 11
const TIME = 7
const RESTARTS = 6
/** Less of a line of output than this tells nothing. */
const TAIL_MIN = 6

const elapsed = (startedAt: number | null, endedAt: number | null, now: number): string =>
  startedAt === null ? '' : wholeSeconds((endedAt ?? now) - startedAt)

type Row = {
  readonly indent: number
  readonly mark: Mark
  readonly name: string
  readonly time: string
  readonly restarts: string
  readonly tail: string
  readonly bold: boolean
}

const laneRow = (lane: LaneView, now: number): Row => ({
  indent: 0,
  mark: laneMark(lane),
  name: lane.name,
  time: elapsed(lane.startedAt, lane.endedAt, now),
  restarts: '',
  tail: lane.waitingFor.length > 0 ? `after ${lane.waitingFor.join(', ')}` : '',
  bold: true,
})

const commandRow = (command: CommandView, now: number): Row => {
  const allowed = command.allowed.restarts
  return {
    indent: 2,
    mark: commandMark(command),
    name: command.name,
    time: elapsed(command.startedAt, command.endedAt, now),
    // one more than allowed is counted when its supervisor gives up, but that restart never happens
    restarts: command.restarts > 0 ? `↻${Math.min(command.restarts, allowed)}/${allowed}` : '',
    tail: plainLine(command.lastLine),
    bold: false,
  }
}

const nameWidth = (rows: readonly Row[], width: number): number => {
  const longest = Math.max(NAME_MIN, ...rows.map(({ indent, name }) => indent + name.length))
  return Math.min(longest, NAME_MAX, Math.max(NAME_MIN, width - 40))
}

const line = (row: Row, names: number, { width, paint }: TreeOptions): string => {
  const { mark, indent } = row
  const left = `${' '.repeat(indent)}${mark.sign} `
  const parts: readonly [text: string, columns: number, style: (text: string) => string][] = [
    [left, left.length, (text) => paint(mark.style, text)],
    [cut(row.name, names - indent), names - indent + 1, (text) => (row.bold ? paint('bold', text) : text)],
    [mark.word, STATE + 1, (text) => paint(mark.style, text)],
    [row.time.padStart(TIME), TIME + 1, (text) => text],
    [row.restarts, RESTARTS + 1, (text) => paint('yellow', text)],
  ]
  let rest = width
  let out = ''
  for (const [text, columns, style] of parts) {
    const fitted = column(text, Math.min(columns, rest))
    rest = Math.max(0, rest - columns)
    out += style(fitted)
  }
  const tail = rest < TAIL_MIN ? '' : cut(row.tail, rest)
  return tail === '' ? out : out + paint('dim', tail)
}

/** Lanes that somebody watches come before those that are over or have not begun. */
const isLive = (lane: LaneView): boolean => lane.outcome === null && lane.state !== 'waiting' && lane.state !== 'skipped'
const importance = (lane: LaneView): number => {
  if (isLive(lane)) return 3
  if (lane.outcome === 'failed' || lane.outcome === 'interrupted') return 2
  return lane.outcome === null ? 1 : 0
}

/** Which lanes are shown, and which of them with their commands, so that all fit into `rows`. */
const choose = (lanes: readonly LaneView[], rows: number): { shown: ReadonlySet<LaneView>; open: ReadonlySet<LaneView> } => {
  const ranked = lanes.toSorted((a, b) => importance(b) - importance(a))
  const all = lanes.reduce((sum, lane) => sum + 1 + lane.commands.length, 0)
  if (all <= rows) return { shown: new Set(lanes), open: new Set(lanes) }
  const room = lanes.length > rows ? Math.max(0, rows - 1) : rows
  const shown = ranked.slice(0, room)
  const open = new Set<LaneView>()
  let left = room - shown.length
  for (const lane of shown) {
    if (lane.commands.length > left) continue
    open.add(lane)
    left -= lane.commands.length
  }
  return { shown: new Set(shown), open }
}

const tally = (lanes: readonly LaneView[]): string => {
  const counts = new Map<string, number>()
  for (const lane of lanes) {
    const word = isLive(lane) ? 'running' : laneMark(lane).word
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return [...counts].map(([word, number]) => `${number} ${word}`).join(', ')
}

/**
 * The live tree: a headline, one line a lane, its commands below. No line is wider than `width`, and there are at most
 * `height` of them.
 */
export const renderTree = (view: RunView, options: TreeOptions): string[] => {
  const { width, height, now, paint } = options
  const { shown, open } = choose(view.lanes, Math.max(1, height - 1))
  const rows = view.lanes
    .filter((lane) => shown.has(lane))
    .flatMap((lane) => [laneRow(lane, now), ...(open.has(lane) ? lane.commands.map((command) => commandRow(command, now)) : [])])
  const names = nameWidth(rows, width)
  const hidden = view.lanes.filter((lane) => !shown.has(lane))
  const headline = `${wholeSeconds(now - view.startedAt)} · ${tally(view.lanes)}`
  const more = hidden.length === 0 ? [] : [paint('dim', cut(`… ${count(hidden.length, 'lane')} more (${tally(hidden)})`, width))]
  return [paint('dim', cut(headline, width)), ...rows.map((row) => line(row, names, options)), ...more].slice(0, Math.max(1, height))
}
