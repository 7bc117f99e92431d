import type { ActorNode } from '../protocols/control/views.ts'
import { type Row, treeRows } from './tree-rows.ts'

/** What can be sorted by, as the columns are called, in the order of the key that goes through them; `tree` is the order of the tree. */
export const SORTS = ['tree', 'mailbox', 'msg/s', 'busy', 'restarts', 'up', 'name'] as const
export type Sort = (typeof SORTS)[number]

/** What may be done to an actor, after a question. */
export type Deed = 'kill' | 'restart' | 'stop' | 'suspend' | 'resume'

/** What is looked at, and how. Changed by `pressed` and `seen` alone. */
export type Top = {
  readonly tree: ActorNode | null
  readonly sort: Sort
  readonly isReversed: boolean
  /** Part of a name, kind or state. */
  readonly filter: string
  /** Whether keys go to the filter. */
  readonly isTyping: boolean
  readonly isPaused: boolean
  /** Names of supervisors whose children are left out. */
  readonly folded: ReadonlySet<string>
  /** Name of the actor under the cursor, so that it stays there while lines come and go. */
  readonly selected: string | null
  /** First line of the list that is shown. */
  readonly from: number
  readonly page: 'list' | 'info' | 'help'
  readonly question: { readonly deed: Deed; readonly name: string } | null
  /** What came of the last deed. */
  readonly note: string
}

export const NEW_TOP: Top = {
  tree: null,
  sort: 'tree',
  isReversed: false,
  filter: '',
  isTyping: false,
  isPaused: false,
  folded: new Set(),
  selected: null,
  from: 0,
  page: 'list',
  question: null,
  note: '',
}

/** What the world has to do after a key. */
export type Order =
  | { readonly do: 'nothing' }
  | { readonly do: 'quit' }
  | { readonly do: 'look' }
  | { readonly do: Deed; readonly name: string }

/** A key: its name (`up`, `pageup`, `return`, `escape`, `ctrl-c` …), or the character. */
export type Key = string

const MEASURE: { readonly [S in Exclude<Sort, 'tree' | 'name'>]: (node: ActorNode) => number } = {
  mailbox: ({ mailbox }) => mailbox.now,
  'msg/s': ({ perSecond }) => perSecond,
  busy: ({ busy }) => busy,
  restarts: ({ restarts, window }) => Math.max(restarts, window?.used ?? 0),
  // what was started last comes first
  up: ({ upMs }) => -(upMs ?? 0),
}

const byName = (one: Row, other: Row): number => (one.node.name < other.node.name ? -1 : 1)

const matches = ({ name, label, kind, state }: ActorNode, filter: string): boolean =>
  [name, label ?? '', kind, state].some((text) => text.toLowerCase().includes(filter.toLowerCase()))

/** The lines of the list. Sorted or filtered they are flat; equals stand by name, so that they do not jump. */
export const rowsOf = ({ tree, sort, isReversed, filter, folded }: Top): readonly Row[] => {
  if (tree === null) return []
  const isTree = sort === 'tree' && filter === ''
  const all = treeRows(tree, isTree ? ({ name }) => folded.has(name) : undefined)
  if (isTree) return all
  const flat = all.map(({ node }) => ({ node, before: '' })).filter(({ node }) => filter === '' || matches(node, filter))
  if (sort === 'tree') return flat
  const measure = sort === 'name' ? () => 0 : MEASURE[sort]
  const sorted = flat.toSorted((one, other) => measure(other.node) - measure(one.node) || byName(one, other))
  return isReversed ? sorted.toReversed() : sorted
}

/** The line of the cursor; the first where its actor is not shown. */
export const cursorOf = (top: Top, rows: readonly Row[] = rowsOf(top)): number =>
  Math.max(
    0,
    rows.findIndex(({ node }) => node.name === top.selected),
  )

/** Puts the cursor on a line, and scrolls as little as shows it. @param height lines of the list */
const moved = (top: Top, to: number, height: number): Top => {
  const rows = rowsOf(top)
  const line = Math.max(0, Math.min(rows.length - 1, to))
  const last = Math.max(0, rows.length - height)
  const from = Math.max(line - height + 1, Math.min(top.from, line, last), 0)
  return { ...top, selected: rows[line]?.node.name ?? null, from }
}

/** A new look at the tree, or a new size of the screen. */
export const seen = (top: Top, tree: ActorNode | null, height: number): Top => {
  const next = { ...top, tree: tree ?? top.tree }
  return moved(next, cursorOf(next), height)
}

const nextSort = ({ sort }: Top, by: number): Sort => SORTS.at((SORTS.indexOf(sort) + by) % SORTS.length) ?? 'tree'

const resorted = (top: Top, change: Partial<Top>, height: number): Top => {
  const next = { ...top, ...change, note: '' }
  // the top of another order is what one wants to see
  return change.sort === undefined && change.isReversed === undefined
    ? moved(next, cursorOf(next), height)
    : moved({ ...next, from: 0 }, 0, height)
}

const fold = (top: Top, isFolded: boolean, height: number): Top => {
  const { selected } = top
  if (selected === null) return top
  const folded = new Set(top.folded)
  if (isFolded) folded.add(selected)
  else folded.delete(selected)
  return resorted(top, { folded }, height)
}

const NOTHING: Order = { do: 'nothing' }
type Pressed = readonly [Top, Order]

const typed = (top: Top, key: Key, height: number): Pressed => {
  if (key === 'return') return [{ ...top, isTyping: false }, NOTHING]
  if (key === 'escape') return [resorted(top, { filter: '', isTyping: false }, height), NOTHING]
  if (key === 'backspace') return [resorted(top, { filter: top.filter.slice(0, -1) }, height), NOTHING]
  return [/^\P{C}$/u.test(key) ? resorted(top, { filter: top.filter + key }, height) : top, NOTHING]
}

const answered = (top: Top, key: Key): Pressed => {
  const { question } = top
  if (question === null) return [top, NOTHING]
  const next = { ...top, question: null }
  return key === 'y' || key === 'Y' ? [next, { do: question.deed, name: question.name }] : [{ ...next, note: 'nothing was done' }, NOTHING]
}

const ask = (top: Top, deed: Deed): Top => (top.selected === null ? top : { ...top, question: { deed, name: top.selected }, note: '' })

const nodeNamed = (node: ActorNode | null, name: string | null): ActorNode | undefined =>
  node === null ? undefined : treeRows(node).find((row) => row.node.name === name)?.node

const suspension = (top: Top): Deed => (nodeNamed(top.tree, top.selected)?.state === 'suspended' ? 'resume' : 'suspend')

/** The keys of the list, as in htop and observer_cli where these have them. */
const list = (top: Top, key: Key, height: number): Top | Order => {
  const line = cursorOf(top)
  switch (key) {
    case 'up':
      return moved(top, line - 1, height)
    case 'down':
      return moved(top, line + 1, height)
    case 'pageup':
      return moved(top, line - height, height)
    case 'pagedown':
      return moved(top, line + height, height)
    case 'home':
      return moved(top, 0, height)
    case 'end':
      return moved(top, Number.MAX_SAFE_INTEGER, height)
    case '>':
    case 's':
      return resorted(top, { sort: nextSort(top, 1), isReversed: false }, height)
    case '<':
      return resorted(top, { sort: nextSort(top, -1), isReversed: false }, height)
    case 't':
      return resorted(top, { sort: 'tree', isReversed: false }, height)
    case 'm':
      return resorted(top, { sort: 'mailbox', isReversed: false }, height)
    case 'I':
      return resorted(top, { isReversed: !top.isReversed }, height)
    case '/':
      return { ...top, isTyping: true, note: '' }
    case 'escape':
      return resorted(top, { filter: '' }, height)
    case 'p':
    case 'Z':
      return { ...top, isPaused: !top.isPaused }
    case '+':
    case 'right':
      return fold(top, false, height)
    case '-':
    case 'left':
      return fold(top, true, height)
    case 'i':
    case 'return':
      return top.selected === null ? top : { ...top, page: 'info', note: '' }
    case 'h':
    case '?':
      return { ...top, page: 'help', note: '' }
    case 'k':
      return ask(top, 'kill')
    case 'r':
      return ask(top, 'restart')
    case 'x':
      return ask(top, 'stop')
    case 'z':
      return ask(top, suspension(top))
    default:
      return key === 'q' ? { do: 'quit' } : top
  }
}

/**
 * What a key does.
 * @param height lines of the list
 */
export const pressed = (top: Top, key: Key, height: number): Pressed => {
  if (key === 'ctrl-c') return [top, { do: 'quit' }]
  if (top.question !== null) return answered(top, key)
  if (top.isTyping) return typed(top, key, height)
  if (top.page !== 'list') {
    const isKept = ['up', 'down', 'pageup', 'pagedown'].includes(key)
    return [isKept ? top : { ...top, page: 'list' }, NOTHING]
  }
  const next = list(top, key, height)
  if ('do' in next) return [top, next]
  return [next, next.page === 'info' || (top.isPaused && !next.isPaused) ? { do: 'look' } : NOTHING]
}
