import { describe, expect, it } from 'vitest'
import type { ActorNode } from '../../../src/protocols/control/views.ts'
import { cursorOf, type Key, NEW_TOP, type Order, pressed, rowsOf, seen, type Top } from '../../../src/tui/top-model.ts'
import { listHeight, screenOf, type Table } from '../../../src/tui/top-screen.ts'

const actor = (name: string, patch: Partial<ActorNode> = {}): ActorNode => ({
  name,
  label: null,
  incarnation: 1,
  kind: 'k',
  state: 'running',
  mailbox: { now: 0, max: 10, oldestMs: null },
  perSecond: 0,
  busy: 0,
  restarts: 0,
  window: null,
  upMs: 1_000,
  lastExit: null,
  below: 0,
  children: [],
  ...patch,
})

const children = Array.from({ length: 30 }, (_, index) =>
  actor(`a${index}`, { perSecond: index % 3, mailbox: { now: index, max: 99, oldestMs: 0 } }),
)
const tree = actor('root', {
  children: [actor('s', { kind: 'supervisor', children, below: 30 }), actor('z', { state: 'suspended' })],
  below: 32,
})
const HEIGHT = 10

const at = (keys: readonly Key[], from: Top = seen(NEW_TOP, tree, HEIGHT)): Top & { readonly orders: readonly Order[] } => {
  let top = from
  const orders: Order[] = []
  for (const key of keys) {
    const [next, order] = pressed(top, key, HEIGHT)
    top = next
    if (order.do !== 'nothing') orders.push(order)
  }
  return { ...top, orders }
}
const names = (top: Top): string[] => rowsOf(top).map(({ node }) => node.name)

describe('top', () => {
  it('moves the cursor within the list, and scrolls as little as shows it', () => {
    expect(at([])).toMatchObject({ selected: 'root', from: 0 })
    expect(at(['up', 'home'])).toMatchObject({ selected: 'root', from: 0 })
    expect(at(Array.from({ length: 9 }, () => 'down'))).toMatchObject({ selected: 'a7', from: 0 })
    expect(at(Array.from({ length: 10 }, () => 'down'))).toMatchObject({ selected: 'a8', from: 1 })
    expect(at(['end'])).toMatchObject({ selected: 'z', from: 23 })
    expect(at(['end', 'down', 'pageup'])).toMatchObject({ selected: 'a20', from: 22 })
    expect(at(['end', 'home', 'pagedown'])).toMatchObject({ selected: 'a8', from: 1 })
  })

  it('stays on an actor while others come and go, and on the list when it is gone', () => {
    const top = at(['down', 'down', 'down'])
    expect(top.selected).toBe('a1')
    const changed = (list: readonly ActorNode[]) =>
      seen(top, actor('root', { children: [actor('new'), actor('s', { children: list })] }), HEIGHT)
    expect(cursorOf(changed(children))).toBe(4)
    expect(changed(children.slice(2)).selected).toBe('root')
    expect(seen(top, actor('root'), HEIGHT)).toMatchObject({ selected: 'root', from: 0 })
  })

  it('sorts, the most first, equals by name; the other way round; as the tree again', () => {
    expect(names(at(['s'])).slice(0, 3)).toEqual(['a29', 'a28', 'a27'])
    expect(at(['end', 'm'])).toMatchObject({ selected: 'a29', from: 0, sort: 'mailbox' })
    expect(names(at(['s', 's'])).slice(0, 3)).toEqual(['a11', 'a14', 'a17'])
    expect(names(at(['m', 'I'])).at(-1)).toBe('a29')
    expect(at(['<']).sort).toBe('name')
    expect(at(['<', '>']).sort).toBe('tree')
    expect(rowsOf(at(['s', 't']))[2]?.before).toBe('│ ├ ')
  })

  it('filters by name, kind and state while one types', () => {
    expect(names(at(['/', ...Array.from('a2')]))).toEqual(['a2', ...Array.from({ length: 10 }, (_, index) => `a2${index}`)])
    expect(names(at(['/', ...Array.from('SUSP'), 'return', 'down']))).toEqual(['z'])
    expect(at(['/', 'q', 'k', 'backspace', '\u001b'])).toMatchObject({ filter: 'q', question: null, orders: [] })
    expect(at(['/', ...Array.from('supervisor'), 'escape'])).toMatchObject({ filter: '', isTyping: false })
    expect(names(at(['/', 'a', 'return', 'escape']))).toHaveLength(33)
    expect(names(at(['/', ...Array.from('nothing')]))).toEqual([])
    expect(at(['/', ...Array.from('nothing'), 'return', 'k', 'i'])).toMatchObject({ selected: null, question: null, page: 'list' })
  })

  it('folds and unfolds what is below a supervisor', () => {
    expect(names(at(['down', 'left']))).toEqual(['root', 's', 'z'])
    expect(names(at(['down', '-', '+']))).toHaveLength(33)
    expect(names(at(['down', 'left', 'm']))).toHaveLength(33)
  })

  it('asks before it changes anything; only y is a yes', () => {
    for (const [key, deed] of [
      ['k', 'kill'],
      ['r', 'restart'],
      ['x', 'stop'],
      ['z', 'suspend'],
    ] as const) {
      expect(at([key]).orders).toEqual([])
      expect(at([key]).question).toEqual({ deed, name: 'root' })
      expect(at([key, 'y']).orders).toEqual([{ do: deed, name: 'root' }])
      for (const no of ['n', 'return', 'escape', 'q', ' '])
        expect(at([key, no])).toMatchObject({ orders: [], question: null, note: 'nothing was done' })
    }
    expect(at(['end', 'z', 'y']).orders).toEqual([{ do: 'resume', name: 'z' }])
    expect(at(['k', 'ctrl-c']).orders).toEqual([{ do: 'quit' }])
  })

  it('asks about the actor that was under the cursor then', () => {
    const asked = at(['down', 'down', 'k'])
    const later = seen(asked, actor('root', { children: [actor('z')] }), HEIGHT)
    expect(at(['y'], later).orders).toEqual([{ do: 'kill', name: 'a0' }])
  })

  it('pauses, shows help and one actor, and quits', () => {
    expect(at(['p']).isPaused).toBe(true)
    expect(at(['p', 'Z'])).toMatchObject({ isPaused: false, orders: [{ do: 'look' }] })
    expect(at(['i'])).toMatchObject({ page: 'info', orders: [{ do: 'look' }] })
    expect(at(['h', 'q'])).toMatchObject({ page: 'list', orders: [] })
    expect(at(['q']).orders).toEqual([{ do: 'quit' }])
  })
})

describe('the screen of top', () => {
  const table: Table = { head: 'HEAD', row: ({ node, before }) => `${before}${node.name}` }
  const text = (top: Top, height: number): string[] => screenOf(top, ['of one'], table, { width: 80, height }).map((line) => line.text)

  it('has as many lines as it is high, whatever it shows', () => {
    for (const height of [1, 5, 10, 24, 49, 200]) {
      for (const keys of [[], ['m'], ['h'], ['i'], ['k'], ['/', 'x'], ['/', 'a', 'return']]) {
        expect(text(at(keys), height)).toHaveLength(height)
      }
    }
  })

  it('says what is there, how it is sorted, and what is asked', () => {
    expect(text(at(['p']), 14).slice(0, 4)).toEqual([
      '33 actors, 435 waiting, 30 msg/s, 1 suspended',
      'PAUSED   sort: tree   1–10 of 33',
      'HEAD',
      'root',
    ])
    expect(text(at(['/', ...Array.from('zz')]), 14)[1]).toBe('sort: tree   filter: zz_   nothing matches')
    expect(text(at(['m', 'I']), 14)[1]).toContain('sort: mailbox (reversed)')
    expect(text(at(['k']), 14).at(-1)).toBe('kill root and all below it? [y/N]')
    expect(text(at(['i']), 14)[1]).toBe('of one')
    expect(
      screenOf(at(['down']), [], table, { width: 80, height: 14 })
        .map(({ look }) => look)
        .slice(2, 6),
    ).toEqual(['head', 'plain', 'cursor', 'plain'])
    expect(listHeight({ width: 80, height: 1 })).toBe(1)
  })
})
