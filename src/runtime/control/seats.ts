import type { Pty } from '../../ports/terminal-host.port.ts'
import type { WindowSize } from '../../protocols/control/screen.ts'

type Size = { readonly cols: number; readonly rows: number }

/** Whoever is attached to a terminal, with a size of his own. */
export type Seats = {
  /** The size that it would have with this one; null: as it is. */
  sizeWith(pty: Pty, size: Size, policy?: WindowSize): Size | null
  /** He sits, or resizes, and may say whose size it has from now on. */
  take(pty: Pty, seat: object, size: Size | undefined, policy?: WindowSize): Promise<void>
  /** It has the size that the others give it; none, as it is. */
  leave(pty: Pty, seat: object): void
}

type Table = {
  /** In the order in which they came or resized; null: of one who has none. */
  readonly sizes: Map<object, Size | null>
  /** As the last who said so; while somebody sits. */
  policy: WindowSize | null
}

const sizeOf = (all: readonly (Size | null)[], policy: WindowSize): Size | null => {
  const sizes = all.filter((size) => size !== null)
  const last = sizes.at(-1)
  if (last === undefined || policy === 'fixed') return null
  if (policy === 'latest') return last
  return { cols: Math.min(...sizes.map(({ cols }) => cols)), rows: Math.min(...sizes.map(({ rows }) => rows)) }
}

/**
 * Of several who are attached to a terminal, whose size it has. latest: of the last who came or resized, for as long as he
 * stays, then of the one before. smallest: the fewest columns and rows of all. fixed: its own.
 * @param usual where nobody said otherwise
 */
export const createSeats = (usual: () => WindowSize): Seats => {
  const tables = new WeakMap<Pty, Table>()
  const of = (pty: Pty): Table => tables.get(pty) ?? { sizes: new Map(), policy: null }
  const resized = async (pty: Pty, size: Size | null): Promise<void> => {
    if (size !== null) await pty.resize(size.cols, size.rows)
  }
  return {
    sizeWith(pty, size, policy) {
      const table = of(pty)
      return sizeOf([...table.sizes.values(), size], policy ?? table.policy ?? usual())
    },
    take(pty, seat, size, policy) {
      const table = of(pty)
      tables.set(pty, table)
      if (policy !== undefined) table.policy = policy
      if (size === undefined) {
        if (!table.sizes.has(seat)) table.sizes.set(seat, null)
        return Promise.resolve()
      }
      table.sizes.delete(seat)
      table.sizes.set(seat, size)
      return resized(pty, sizeOf([...table.sizes.values()], table.policy ?? usual()))
    },
    leave(pty, seat) {
      const table = tables.get(pty)
      if (table?.sizes.has(seat) !== true) return
      const decided = [...table.sizes.keys()].at(-1) === seat
      table.sizes.delete(seat)
      const policy = table.policy ?? usual()
      if (table.sizes.size === 0) tables.delete(pty)
      // one that has ended has no size any more
      else if (decided || policy === 'smallest') resized(pty, sizeOf([...table.sizes.values()], policy)).catch(() => undefined)
    },
  }
}
