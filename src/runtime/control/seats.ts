import type { Pty } from '../../ports/terminal-host.port.ts'

type Size = { readonly cols: number; readonly rows: number }

/** Whoever is attached to a terminal, with a size of his own. */
export type Seats = {
  /** From now on it has the size of this one. */
  take(pty: Pty, seat: object, size: Size): Promise<void>
  /** Whose size it had leaves it to the one who came or resized before. */
  leave(pty: Pty, seat: object): void
}

/** Of several who are attached, the last one who came or resized decides about the size, for as long as he stays. */
export const createSeats = (): Seats => {
  const taken = new WeakMap<Pty, Map<object, Size>>()
  return {
    take(pty, seat, size) {
      const seats = taken.get(pty) ?? new Map<object, Size>()
      taken.set(pty, seats)
      seats.delete(seat)
      seats.set(seat, size)
      return pty.resize(size.cols, size.rows)
    },
    leave(pty, seat) {
      const seats = taken.get(pty)
      if (seats === undefined) return
      const decided = [...seats.keys()].at(-1) === seat
      seats.delete(seat)
      const size = [...seats.values()].at(-1)
      // one that has ended has no size any more
      if (decided && size !== undefined) pty.resize(size.cols, size.rows).catch(() => undefined)
    },
  }
}
