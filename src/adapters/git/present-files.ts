import { lstat, readdir } from 'node:fs/promises'
import { orAbsent } from './files.ts'
import { historyFiles, type SavedEntry } from './saved-commit.ts'
import { type BytePath, fileAt, under } from './work-tree-files.ts'

/** What a file is called until it is whole. */
export const PART = '.signalbox-part'

type Below = { readonly files: readonly BytePath[]; readonly directories: readonly BytePath[] }

/** All that is below a directory, whatever git thinks of it; without the `.git` files of `modules` and its own. */
const allBelow = async (top: string, modules: readonly BytePath[]): Promise<Below> => {
  const links = new Set(['.git', ...modules.map((path) => `${path}/.git`)])
  const files: BytePath[] = []
  const directories: BytePath[] = []
  const walk = async (inside: BytePath): Promise<void> => {
    for (const entry of await orAbsent(readdir(under(top, inside), { withFileTypes: true, encoding: 'buffer' }), [])) {
      const path = inside + entry.name.toString('latin1')
      if (entry.isDirectory()) {
        directories.push(path)
        await walk(`${path}/`)
      } else if (!links.has(path)) files.push(path)
    }
  }
  await walk('')
  return { files, directories }
}

/** @returns one that was written at `since` or later, or undefined. ms; `leftOut`: those that are no matter. */
export const writtenSince = async (
  top: string,
  since: number,
  modules: readonly BytePath[],
  leftOut: ReadonlySet<BytePath>,
): Promise<BytePath | undefined> => {
  const { files, directories } = await allBelow(top, modules)
  for (const path of ['', ...directories, ...files]) {
    if (leftOut.has(path)) continue
    const found = await orAbsent(lstat(under(top, path)), null)
    if (found === null || found.ctimeMs >= since) return path
  }
  return undefined
}

/** @returns a file that is there and not among what is saved, byte for byte, or undefined. */
export const notSaved = async (
  top: string,
  hash: string,
  saved: readonly SavedEntry[],
  modules: readonly BytePath[],
  leftOut: ReadonlySet<BytePath>,
): Promise<BytePath | undefined> => {
  const known = new Map(saved.map((entry) => [entry.path, entry]))
  for (const path of (await allBelow(top, modules)).files) {
    if (leftOut.has(path)) continue
    const expected = known.get(path)
    if (expected === undefined && path.endsWith(PART) && known.has(path.slice(0, -PART.length))) continue
    if (expected === undefined || (await fileAt(hash, under(top, path)))?.oid !== expected.oid) return path
  }
  return undefined
}

/** What git keeps of a worktree now, but its index: each file and what git calls its bytes. */
export const adminState = async (adminDir: string, hash: string): Promise<ReadonlyMap<string, string>> => {
  const state = new Map<string, string>()
  for (const path of await historyFiles(adminDir)) {
    const file = await fileAt(hash, Buffer.from(`${adminDir}/${path}`))
    if (file !== null) state.set(path, file.oid)
  }
  return state
}
