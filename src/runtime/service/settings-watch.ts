import { watchFiles } from '../../adapters/system/files-watch.ts'
import { settingsFrom, type Settings } from '../../protocols/config.schema.ts'
import type { Configuration } from '../configuration.ts'

/** The settings of a process that stays. */
export type LiveSettings = {
  /** As they are now; those that need a new start stay as they were. */
  readonly current: () => Settings
  /** Keys that were changed and need a new start. */
  readonly pending: () => readonly string[]
  /** Reads the files again, now. */
  reload(): Promise<void>
  close(): void
}

type Watching = {
  readonly load: () => Promise<Configuration>
  /** Says what changed. */
  readonly said: (text: string) => void
  /** Called after a reading that changed something. */
  readonly changed: () => void
}

const text = (value: unknown): string => JSON.stringify(value)

/**
 * Takes changes of the files over within a second. What is wrong in them is said, and nothing changes.
 * @param first as it was read at the start
 */
export const watchSettings = (first: Configuration, { load, said, changed }: Watching): LiveSettings => {
  const values = new Map(first.explained.map(({ key, value }) => [key, value]))
  let settings = first.settings
  let pending = new Map<string, unknown>()
  let problem = ''
  let turn: Promise<void> = Promise.resolve()

  const apply = ({ explained }: Configuration): void => {
    const waiting = new Map<string, unknown>()
    for (const { key, value, reloads } of explained) {
      const before = values.get(key)
      if (before === value) continue
      if (reloads) {
        values.set(key, value)
        said(`configuration: ${key} is ${text(value)} now, before ${text(before)}; it holds for what starts from now on`)
      } else {
        waiting.set(key, value)
        if (pending.get(key) !== value) {
          said(`configuration: ${key} was changed to ${text(value)}; it stays ${text(before)} until signalbox down and signalbox up`)
        }
      }
    }
    pending = waiting
    settings = settingsFrom(({ key }) => values.get(key))
    changed()
  }
  const read = async (): Promise<void> => {
    try {
      apply(await load())
      if (problem !== '') said('configuration: it can be read again')
      problem = ''
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (message !== problem) said(`configuration: not taken over: ${message}`)
      problem = message
    }
  }
  // One after the other: an older reading must not overwrite a newer one.
  const reload = (): Promise<void> => (turn = turn.then(read))
  const unwatch = watchFiles(
    first.files.map(({ path }) => path),
    () => void reload(),
  )
  return { current: () => settings, pending: () => [...pending.keys()], reload, close: unwatch }
}
