import type { Random } from '../../ports/random.port.ts'

/** Good enough for jitter and ids; not for secrets. */
export const systemRandom: Random = { next: () => Math.random() }
