import { access, mkdir, realpath, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** @returns `ENOENT` and the like, or undefined. */
export const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

/**
 * What is looked for is not there: `absent`. Any other failure (no descriptor free, no permission) tells nothing and
 * must not be taken for an answer: work could be taken for gone.
 */
export const orAbsent = async <T, A>(look: Promise<T>, absent: A): Promise<T | A> => {
  try {
    return await look
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return absent
    throw error
  }
}

export const exists = (path: string): Promise<boolean> =>
  orAbsent(
    access(path).then(() => true),
    false,
  )

/** @returns `path` with links resolved, up to the first part that does not exist. */
export const realPathOf = async (path: string): Promise<string> => {
  const whole = await orAbsent(realpath(path), null)
  if (whole !== null) return whole
  const parent = dirname(path)
  return parent === path ? path : join(await realPathOf(parent), basename(path))
}

/** Removes a directory only if it is empty. @returns whether it is gone. */
export const removeEmpty = (path: string): Promise<boolean> =>
  rmdir(path).then(
    () => true,
    async () => !(await exists(path)),
  )

/**
 * Makes a directory and those above it. (`mkdir` with `recursive` reports a read-only file system as ENOENT.)
 * @returns whether this call made the last one
 */
export const makeDirectories = async (path: string): Promise<boolean> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await mkdir(path)
      return true
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      // A parent is missing, or another lane's removal took the empty parent away again.
      if (codeOf(error) !== 'ENOENT' || attempt === 5 || dirname(path) === path) throw error
      await makeDirectories(dirname(path))
    }
  }
}
