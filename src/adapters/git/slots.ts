/** Lets at most `limit` jobs run at once; the others wait in the order in which they came. */
export const createSlots = (limit: number): (<T>(job: () => Promise<T>) => Promise<T>) => {
  let free = limit
  const waiting: (() => void)[] = []
  const release = (): void => {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }
  return async (job) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await job()
    } finally {
      release()
    }
  }
}
