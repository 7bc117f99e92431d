import type { ActorNode } from '../protocols/control/views.ts'
import { cursorOf, rowsOf, type Top } from './top-model.ts'
import { type Row, treeRows } from './tree-rows.ts'

/** How actors look on a line: given by who starts it, as `signalbox tree` shows them too. */
export type Table = {
  readonly head: string
  readonly row: (row: Row) => string
}

/** A line of the screen. Inverse: the cursor. */
export type Line = { readonly text: string; readonly look: 'plain' | 'head' | 'cursor' | 'dim' }

export type Screen = { readonly width: number; readonly height: number }

/** Lines that are not the list's: summary, how it is sorted, head, keys. */
const AROUND = 4
/** Of the list. */
export const listHeight = ({ height }: Screen): number => Math.max(1, height - AROUND)

const KEYS = 'q quit  h help  ↑↓ move  i info  s sort  / filter  p pause  ←→ fold  k kill'

export const HELP: readonly string[] = [
  'up down page-up page-down home end   move',
  'i, enter        all that is known of the actor',
  's > <           sort: tree, mailbox, msg/s, busy, restarts, up, name',
  't  m            sort as the tree; by mailbox',
  'I               the other way round',
  '/               filter by name, kind or state; escape shows all again',
  'left - right +  leave children of a supervisor out, show them',
  'p, Z            pause: the screen stands still; again: it goes on',
  'k               kill: ends it at once, its supervisor does as after a crash',
  'r               restart: stops it and starts it again',
  'x               stop: it stays down until it is restarted',
  'z               suspend, resume: it handles nothing until then',
  'q, ctrl-c       quit',
  '',
  'k, r, x and z ask first. Any key goes back.',
]

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** The whole on one line: what is there, what waits, what is being repaired. */
const summary = (tree: ActorNode): string => {
  const all = treeRows(tree).map(({ node }) => node)
  const sum = (of: (node: ActorNode) => number): number => all.reduce((total, node) => total + of(node), 0)
  const inState = (state: ActorNode['state']): number => all.filter((node) => node.state === state).length
  const states = (['starting', 'restarting', 'suspended', 'stopping', 'ended'] as const).flatMap((state) =>
    inState(state) === 0 ? [] : [`${inState(state)} ${state}`],
  )
  const rate = Math.round(sum(({ perSecond }) => perSecond))
  return [counted(all.length, 'actor'), `${sum(({ mailbox }) => mailbox.now)} waiting`, `${rate} msg/s`, ...states].join(', ')
}

const how = ({ sort, isReversed, filter, isTyping, isPaused }: Top, shown: string): string =>
  [
    ...(isPaused ? ['PAUSED'] : []),
    `sort: ${sort}${isReversed ? ' (reversed)' : ''}`,
    ...(isTyping || filter !== '' ? [`filter: ${filter}${isTyping ? '_' : ''}`] : []),
    shown,
  ].join('   ')

const foot = ({ question, note, isTyping }: Top): Line => {
  if (question !== null) return { text: `${question.deed} ${question.name} and all below it? [y/N]`, look: 'head' }
  if (isTyping) return { text: 'type a part of a name, kind or state; enter keeps it, escape shows all', look: 'dim' }
  return note === '' ? { text: KEYS, look: 'dim' } : { text: note, look: 'head' }
}

const filled = (lines: readonly Line[], height: number): Line[] => [
  ...lines.slice(0, height),
  ...Array.from({ length: Math.max(0, height - lines.length) }, (): Line => ({ text: '', look: 'plain' })),
]

const plain = (text: string): Line => ({ text, look: 'plain' })

const linesOf = (top: Top, info: readonly string[], table: Table, screen: Screen): readonly Line[] => {
  const height = listHeight(screen)
  if (top.tree === null) return [plain('looking …')]
  const title: Line = { text: summary(top.tree), look: 'plain' }
  if (top.page !== 'list') {
    const lines = (top.page === 'help' ? HELP : info).map(plain)
    return [title, ...filled(lines, height + 2), { text: 'any key: back', look: 'dim' }]
  }
  const rows = rowsOf(top)
  const cursor = cursorOf(top, rows)
  const last = Math.min(rows.length, top.from + height)
  const shown = rows.length === 0 ? 'nothing matches' : `${top.from + 1}–${last} of ${rows.length}`
  const lines = rows
    .slice(top.from, last)
    .map((row, index): Line => ({ text: table.row(row), look: top.from + index === cursor ? 'cursor' : 'plain' }))
  return [title, { text: how(top, shown), look: 'dim' }, { text: table.head, look: 'head' }, ...filled(lines, height), foot(top)]
}

/** The lines of the screen, top to bottom: as many as it is high. */
export const screenOf = (top: Top, info: readonly string[], table: Table, screen: Screen): readonly Line[] =>
  linesOf(top, info, table, screen).slice(0, screen.height)
