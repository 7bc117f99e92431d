const at = (row: readonly number[], column: number): number => row[column] ?? Number.POSITIVE_INFINITY

/**
 * Edit distance with transpositions (optimal string alignment): letters inserted, removed, changed or swapped with
 * their neighbour. Gives up with `limit + 1` as soon as the distance is known to be greater.
 */
export const editDistance = (a: string, b: string, limit: number): number => {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let best = Math.min(at(previous, column) + 1, at(current, column - 1) + 1, at(previous, column - 1) + (same ? 0 : 1))
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        best = Math.min(best, at(before, column - 2) + 1)
      current.push(best)
    }
    if (Math.min(...current) > limit) return limit + 1
    before = previous
    previous = current
  }
  return Math.min(at(previous, b.length), limit + 1)
}

/**
 * The candidate that was probably meant by a mistyped word: at most a third of its letters differ (one is always
 * allowed, except in words of one letter); case does not count.
 * @returns the nearest candidate, the first of equals; undefined when none is near
 * @example nearest('comands', ['commands', 'copy']) // 'commands'
 */
export const nearest = (word: string, candidates: Iterable<string>): string | undefined => {
  const wanted = word.toLowerCase()
  let found: string | undefined
  let best = wanted.length < 2 ? 1 : Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase(), best - 1)
    if (distance < best) {
      best = distance
      found = candidate
    }
    if (best === 0) break
  }
  return found
}
