import type { ActorNode } from '../protocols/control/views.ts'
import type { Exit } from '../protocols/exit.ts'
import { type Row, treeRows } from '../tui/tree-rows.ts'
import type { Paint, Style } from './paint.ts'
import { column, cut, widthOf, wholeSeconds } from './text.ts'

/** How a table of actors is drawn. */
export type ActorsOptions = {
  readonly width: number
  /** Lines at most, with the head. @defaultValue all */
  readonly height?: number
  readonly paint: Paint
}

type Column = {
  readonly title: string
  readonly width: number
  readonly isText?: boolean
  readonly cell: (node: ActorNode) => string
  readonly style?: (node: ActorNode) => Style | null
}

/** The least that is left for names. */
const NAME_WIDTH = 36
/** From here on there is place for ids beside what they are called, in every line. */
const ID_WIDTH = 64
const GAP = '  '

/** `1234`, `10k`, `250k`, `3M`. */
export const shortCount = (value: number): string => {
  if (value < 10_000) return String(value)
  return value < 1_000_000 ? `${Math.floor(value / 1_000)}k` : `${Math.floor(value / 1_000_000)}M`
}

const rate = (value: number): string => (value > 0 && value < 10 ? value.toFixed(1) : shortCount(Math.round(value)))

export const exitShort = ({ reason, error }: Exit): string => (error === undefined ? reason : `${reason} ${error.code}`)

const STATE_STYLE: { readonly [S in ActorNode['state']]: Style | null } = {
  starting: 'cyan',
  running: null,
  suspended: 'yellow',
  restarting: 'yellow',
  stopping: 'yellow',
  ended: 'dim',
}

const isFull = ({ mailbox: { now, max } }: ActorNode): boolean => max > 0 && now >= max / 2

/** In the order in which they stand; widths do not depend on what is shown, so that a table that is drawn again stays calm. */
const COLUMNS = {
  kind: { title: 'kind', width: 12, isText: true, cell: ({ kind }) => kind },
  state: { title: 'state', width: 10, isText: true, cell: ({ state }) => state, style: ({ state }) => STATE_STYLE[state] },
  mailbox: {
    title: 'mailbox',
    width: 8,
    // none where it does not run
    cell: ({ mailbox: { now, max } }) => (max === 0 ? '-' : `${shortCount(now)}/${shortCount(max)}`),
    style: (node) => (isFull(node) ? 'red' : null),
  },
  oldest: { title: 'oldest', width: 7, cell: ({ mailbox: { oldestMs } }) => (oldestMs === null ? '-' : wholeSeconds(oldestMs)) },
  perSecond: { title: 'msg/s', width: 5, cell: ({ perSecond }) => rate(perSecond) },
  busy: {
    title: 'busy',
    width: 4,
    cell: ({ busy }) => `${Math.round(busy * 100)}%`,
    style: ({ busy }) => (busy >= 0.9 ? 'red' : null),
  },
  restarts: {
    title: 'restarts',
    width: 8,
    // of a supervisor, what it may still do for its children; of the others, how often it was started again
    cell: ({ window, restarts }) => (window === null ? shortCount(restarts) : `${shortCount(window.used)}/${shortCount(window.allowed)}`),
    style: ({ window, restarts }) => ((window?.used ?? restarts) > 0 ? 'yellow' : null),
  },
  up: { title: 'up', width: 7, cell: ({ upMs }) => (upMs === null ? '-' : wholeSeconds(upMs)) },
  lastExit: { title: 'last exit', width: 32, isText: true, cell: ({ lastExit }) => (lastExit === null ? '-' : exitShort(lastExit)) },
} satisfies Record<string, Column>

/** Which columns go first where there is place for some only. */
const IMPORTANCE: readonly (keyof typeof COLUMNS)[] = [
  'state',
  'mailbox',
  'restarts',
  'up',
  'busy',
  'perSecond',
  'oldest',
  'lastExit',
  'kind',
]

/** @param first title of the one that must be there */
const columnsFor = (width: number, first: string | undefined): readonly Column[] => {
  const chosen = new Set<string>()
  let left = width - NAME_WIDTH
  for (const key of IMPORTANCE.toSorted((one, other) => Number(COLUMNS[other].title === first) - Number(COLUMNS[one].title === first))) {
    left -= COLUMNS[key].width + GAP.length
    if (left < 0) break
    chosen.add(key)
  }
  return Object.entries<Column>(COLUMNS).flatMap(([key, one]) => (chosen.has(key) ? [one] : []))
}

/** Both ends say more than the middle. */
const cutMiddle = (text: string, width: number): string => {
  if (widthOf(text) <= width || width < 8) return cut(text, width)
  const end = Math.floor(width / 3)
  return `${cut(text, width - end)}${text.slice(text.length - end)}`
}

/** @param withId also where it is called by its lane or terminal */
const nameOf = ({ name, label, incarnation, below, children }: ActorNode, width: number, withId: boolean): string => {
  const hidden = children.length === 0 && below > 0 ? ` (+${below})` : ''
  const full = `${name}$${incarnation}`
  if (label === null) return `${cutMiddle(full, width - hidden.length)}${hidden}`
  const both = `${full} ${label}${hidden}`
  if (withId && widthOf(both) <= width) return both
  return `${cutMiddle(`${name.slice(0, name.indexOf(':') + 1)}${label}$${incarnation}`, width - hidden.length)}${hidden}`
}

const cellText = ({ width, isText }: Column, text: string): string =>
  isText === true ? column(text, width) : cut(text, width).padStart(width)

/**
 * How actors look on lines of a width: as many columns as there is place for.
 * @param first title of a column that goes before the others where there is not place for all
 */
export const actorTable = (width: number, paint: Paint, first?: string): { readonly head: string; readonly row: (row: Row) => string } => {
  const columns = columnsFor(width, first)
  const names = Math.max(1, width - columns.reduce((sum, one) => sum + one.width + GAP.length, 0))
  const head = cut([column('actor', names), ...columns.map((one) => cellText(one, one.title))].join(GAP).trimEnd(), width)
  const row = ({ node, before }: Row): string => {
    // however deep, some of the name is seen
    const indent = before.length > names - 12 ? `…${before.slice(before.length - Math.max(0, names - 13))}` : before
    const name = `${paint('dim', indent)}${column(nameOf(node, names - indent.length, names >= ID_WIDTH), names - indent.length)}`
    const cells = columns.map((one) => {
      const text = cellText(one, one.cell(node))
      const style = one.style?.(node) ?? null
      return style === null ? text : paint(style, text)
    })
    return [name, ...cells].join(GAP).trimEnd()
  }
  return { head, row }
}

/** A tree of actors as a table, no line wider than the screen. */
export const renderActors = (tree: ActorNode, { width, height = Number.POSITIVE_INFINITY, paint }: ActorsOptions): readonly string[] => {
  const { head, row } = actorTable(width, paint)
  const rows = treeRows(tree)
  const fits = rows.length + 1 <= height
  const shown = fits ? rows : rows.slice(0, Math.max(0, height - 2))
  const more = fits ? [] : [paint('dim', cut(`… ${rows.length - shown.length} more: name a part of the tree, or give --depth`, width))]
  return [paint('bold', head), ...shown.map(row), ...more].slice(0, height)
}
