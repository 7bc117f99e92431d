import { chmod, lstat, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { SignalboxError } from '../../protocols/errors.ts'
import type { WorkspaceId } from '../../protocols/ids.ts'

/** The longest path of a socket: sun_path of macOS is 104 bytes, of Linux 108, each with a NUL at its end. */
const LONGEST_BYTES = process.platform === 'darwin' ? 103 : 107

/** `$XDG_RUNTIME_DIR/signalbox/<workspace>/control.sock`, or in the state directory of the workspace. */
export const socketPath = (env: NodeJS.ProcessEnv, stateDirectory: string, workspaceId: WorkspaceId): string => {
  const runtime = env['XDG_RUNTIME_DIR']
  const directory = runtime !== undefined && runtime.startsWith('/') ? join(runtime, 'signalbox', workspaceId) : stateDirectory
  return join(directory, 'control.sock')
}

const unusable = (directory: string, why: string, cause?: unknown): SignalboxError =>
  new SignalboxError('ERR_SOCKET_UNUSABLE', `${directory} cannot hold the socket: ${why}`, { context: { directory }, cause })

/**
 * Makes the directory of the socket so that only its owner gets at it, and removes what an orchestrator that died left.
 * Call it with the lock held.
 * @throws ERR_SOCKET_UNUSABLE
 */
export const prepareSocket = async (path: string): Promise<void> => {
  const directory = dirname(path)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const found = await lstat(directory)
    if (!found.isDirectory()) throw unusable(directory, 'it is no directory')
    if (found.uid !== process.getuid?.()) throw unusable(directory, `it belongs to user ${found.uid}`)
    if ((found.mode & 0o777) !== 0o700) await chmod(directory, 0o700)
    const left = await lstat(path).catch(() => null)
    if (left !== null && !left.isSocket()) throw unusable(directory, `${path} is no socket; move it away`)
    await rm(path, { force: true })
  } catch (error) {
    if (error instanceof SignalboxError) throw error
    throw unusable(directory, error instanceof Error ? error.message : String(error), error)
  }
}

/**
 * Calls `use` with a path that means the same socket and is short enough for the system: where it is not, through a link
 * in a directory of our own that goes when `use` is done. Listening and connecting need the path only for a moment.
 */
export const withShortPath = async <T>(path: string, use: (path: string) => Promise<T>): Promise<T> => {
  if (Buffer.byteLength(path) <= LONGEST_BYTES) return use(path)
  // $TMPDIR may be long itself
  const directory = await mkdtemp(join(Buffer.byteLength(tmpdir()) > LONGEST_BYTES / 2 ? '/tmp' : tmpdir(), 'signalbox-'))
  try {
    const link = join(directory, 's')
    await symlink(dirname(path), link)
    return await use(join(link, basename(path)))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
