import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ErrorRecord } from '../protocols/errors.ts'
import type { ProcessKey } from '../protocols/process-key.ts'

/** Why a process ended all that it ran: its store took no record of that. */
export type LastWords = { /** ms since the epoch. */ readonly at: number; readonly error: ErrorRecord }

/** The oldest go. */
const KEPT = 20

const nameOf = ({ pid, startTime }: ProcessKey): string => `${pid}-${startTime}.json`

/** In the repository, which may have room where the state directory has none. Never throws: it is the last resort. */
export const writeLastWords = (directory: string, owner: ProcessKey, words: LastWords): void => {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const { code, message } = words.error
    writeFileSync(
      join(directory, nameOf(owner)),
      `${JSON.stringify({ at: words.at, error: { code, message, context: {} }, bootId: owner.bootId })}\n`,
      {
        mode: 0o600,
        flag: 'wx',
      },
    )
    prune(directory)
  } catch {
    // The same disk, or the first words of this process are there already.
  }
}

const prune = (directory: string): void => {
  const names = readdirSync(directory)
  if (names.length <= KEPT) return
  const at = (name: string): number => parse(join(directory, name))?.at ?? 0
  for (const name of names.toSorted((one, other) => at(one) - at(other)).slice(0, -KEPT)) rmSync(join(directory, name), { force: true })
}

const parse = (path: string): (LastWords & { readonly bootId: string }) | null => {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as LastWords & { readonly bootId: string }
    return typeof value.at === 'number' && typeof value.error?.message === 'string' ? value : null
  } catch {
    return null
  }
}

/** @returns what exactly this process said, or null */
export const readLastWords = (directory: string, owner: ProcessKey): LastWords | null => {
  const said = parse(join(directory, nameOf(owner)))
  return said === null || said.bootId !== owner.bootId ? null : { at: said.at, error: said.error }
}
