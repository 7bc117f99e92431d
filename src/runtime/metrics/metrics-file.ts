import { rename, rm, writeFile } from 'node:fs/promises'
import type { Clock, Timer } from '../../ports/clock.port.ts'

/** As often as most who collect figures ask for them. */
const EVERY_MS = 15_000

/**
 * Keeps a file of figures, whole at any moment, until it is closed; then there is none, as old figures would mislead.
 * @param said what goes wrong, once until it changes
 */
export const keepMetricsFile = (
  path: string,
  text: () => Promise<string>,
  { clock, said }: { readonly clock: Clock; readonly said: (text: string) => void },
): { close(): Promise<void> } => {
  const draft = `${path}.${process.pid}.tmp`
  let isClosed = false
  let timer: Timer | null = null
  let problem = ''
  const write = async (): Promise<void> => {
    try {
      await writeFile(draft, await text())
      await rename(draft, path)
      problem = ''
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (message !== problem) said(`metrics: the file ${path} is not up to date: ${message}`)
      problem = message
      await rm(draft, { force: true }).catch(() => undefined)
    }
  }
  const turn = async (): Promise<void> => {
    await write()
    if (!isClosed) timer = clock.setTimer(EVERY_MS, () => void (writing = turn()))
  }
  let writing = turn()
  return {
    async close() {
      isClosed = true
      timer?.cancel()
      await writing
      await rm(path, { force: true }).catch(() => undefined)
    },
  }
}
