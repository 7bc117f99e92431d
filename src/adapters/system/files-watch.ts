import { unwatchFile, watchFile } from 'node:fs'

/** Files on all kinds of file systems, and in directories that do not exist yet: so they are looked at, not watched. */
const LOOK_EACH_MS = 500

/** Calls `changed` when one of the files was changed, made or removed. Keeps no process alive. @returns ends it */
export const watchFiles = (paths: readonly string[], changed: () => void): (() => void) => {
  for (const path of paths) watchFile(path, { interval: LOOK_EACH_MS, persistent: false }, changed)
  return () => {
    for (const path of paths) unwatchFile(path, changed)
  }
}
