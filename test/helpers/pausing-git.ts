import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from './cli.ts'
import { writeGit } from './git-repo.ts'

export type PausingGit = {
  /** To be put before the PATH. */
  readonly directory: string
  /** Waits until something is saved and its caller not yet told. @returns false where `ending` ended before */
  reached(ending: Promise<unknown>): Promise<boolean>
  goOn(): Promise<void>
}

/** A git that waits once after a fast-import, and stops once half-way in `worktree remove`. */
export const makePausingGit = async (
  directory: string,
  { pauses, interrupts }: { readonly pauses: boolean; readonly interrupts: boolean },
): Promise<PausingGit> => {
  const flag = (name: string): string => join(directory, name)
  const script = [
    `flags='${directory}'`,
    'case "$*" in',
    '*fast-import*) [ -e "$flags/pauses" ] || exec "$REAL" "$@"',
    '  rm "$flags/pauses"; "$REAL" "$@"; code=$?; echo > "$flags/reached"',
    '  while [ -e "$flags/reached" ]; do sleep 0.01; done; exit $code;;',
    '*"worktree remove"*) [ -e "$flags/interrupts" ] || exec "$REAL" "$@"',
    '  rm "$flags/interrupts"; for last; do :; done',
    '  rm -rf "$last/.git" "$last/file-1.txt" "$last/run" "$last/dir"; exit 128;;',
    '*) exec "$REAL" "$@";;',
    'esac',
  ]
  await writeGit(directory, script)
  if (pauses) await writeFile(flag('pauses'), '')
  if (interrupts) await writeFile(flag('interrupts'), '')
  return {
    directory,
    reached: async (ending) => {
      let ended = false
      const end = (): void => void (ended = true)
      ending.then(end, end)
      await until('something is saved', () => ended || existsSync(flag('reached')))
      return !ended
    },
    goOn: () => rm(flag('reached')),
  }
}
