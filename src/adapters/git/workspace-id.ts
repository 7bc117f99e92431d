import { link, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { WorkspaceId } from '../../protocols/ids.ts'
import { codeOf, makeDirectories } from './files.ts'
import { toSignalboxError } from './git-failure.ts'

const VALID = /^ws_[0-9A-HJKMNP-TV-Z]{26}$/

const isWorkspaceId = (text: string): text is WorkspaceId => VALID.test(text)

/** @returns the id in `file`, null when it holds something else, undefined when there is no file. */
const readId = async (file: string): Promise<WorkspaceId | null | undefined> => {
  try {
    const text = (await readFile(file, 'utf8')).trim()
    return isWorkspaceId(text) ? text : null
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Creates `file` with its whole content, or not at all when it exists. */
const createWhole = async (file: string, id: WorkspaceId): Promise<void> => {
  const draft = `${file}.draft-${id}`
  try {
    const handle = await open(draft, 'wx')
    try {
      await handle.writeFile(`${id}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(draft, file)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await unlink(draft).catch(() => undefined)
  }
}

/**
 * The id of a repository, kept in `<common directory>/signalbox/workspace`, so that a moved repository keeps its state.
 * Callers that come first at once, in whatever process, get the same id. A file that holds no id is left as it is and
 * `workspace.2`, `workspace.3` … is used: no caller can then replace what another has just read. Write the old id into
 * `workspace` to go back to the old state.
 * @throws ERR_WORKSPACE_READ_ONLY, ERR_DISK_FULL
 */
export const workspaceId = async (commonDir: string, newId: () => WorkspaceId): Promise<WorkspaceId> => {
  const directory = join(commonDir, 'signalbox')
  try {
    for (let generation = 1; ;) {
      const file = join(directory, generation === 1 ? 'workspace' : `workspace.${generation}`)
      const found = await readId(file)
      if (typeof found === 'string') return found
      if (found === null) {
        generation += 1
        continue
      }
      await makeDirectories(directory)
      await createWhole(file, newId())
    }
  } catch (error) {
    throw toSignalboxError(error, `keeping the id of the repository in ${directory}`, { commonDir })
  }
}
