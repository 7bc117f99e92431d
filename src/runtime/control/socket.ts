import { createHash } from 'node:crypto'
import { chmod, lstat, mkdir, mkdtemp, readlink, rm, rmdir, symlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { socketPathLimit } from '../../protocols/control/limits.ts'
import { SignalboxError } from '../../protocols/errors.ts'

const failed = (path: string, why: string, cause?: unknown): SignalboxError =>
  new SignalboxError('ERR_CONTROL_SOCKET_FAILED', `the control socket ${path} ${why}`, { context: { path }, cause })

const inUse = (path: string): SignalboxError =>
  new SignalboxError('ERR_CONTROL_IN_USE', `another orchestrator listens at ${path}; use it, or stop it with \`signalbox down\``, {
    context: { path },
  })

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')

/** Makes the directory of the socket, or checks it: it must be ours, and nobody else may enter it. @throws ERR_CONTROL_SOCKET_FAILED */
const privateDirectory = async (path: string): Promise<void> => {
  const directory = dirname(path)
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const { uid, mode } = await lstat(directory)
    if (process.getuid !== undefined && uid !== process.getuid()) throw failed(path, `cannot be made: ${directory} belongs to another user`)
    if ((mode & 0o077) !== 0) await chmod(directory, 0o700)
  } catch (error) {
    if (error instanceof SignalboxError) throw error
    throw failed(path, `cannot be made: ${directory} is not usable (${codeOf(error)})`, error)
  }
}

/** @returns whether somebody listens at the path; a queue that is full is somebody's */
const isAlive = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    const settle = (alive: boolean): void => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', (error) => settle(codeOf(error) === 'EAGAIN'))
  })

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path, backlog: 511 }, () => {
      server.off('error', reject)
      resolve()
    })
  })

/** Binds, also in place of what a dead process left there. @throws ERR_CONTROL_IN_USE, ERR_CONTROL_SOCKET_FAILED */
const bind = async (server: Server, path: string): Promise<void> => {
  try {
    return await listen(server, path)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw failed(path, `cannot be made (${codeOf(error)})`, error)
  }
  if (await isAlive(path)) throw inUse(path)
  const found = await lstat(path).catch(() => null)
  if (found?.isSocket() === false) throw failed(path, 'cannot be made: something that is no socket lies there; move it away')
  await rm(path, { force: true })
  try {
    await listen(server, path)
  } catch (error) {
    throw codeOf(error) === 'EADDRINUSE' ? inUse(path) : failed(path, `cannot be made (${codeOf(error)})`, error)
  }
}

/** A path that is too long for a socket becomes a link to one in a short directory of its own. */
const bindShort = async (server: Server, path: string): Promise<() => Promise<void>> => {
  const known = await readlink(path).catch(() => null)
  if (known !== null && (await isAlive(known))) throw inUse(path)
  const start = join(tmpdir(), `signalbox-${createHash('sha256').update(path).digest('hex').slice(0, 8)}-`)
  if (known !== null) await rm(path, { force: true })
  if (known?.startsWith(start) === true) await rm(dirname(known), { recursive: true, force: true })
  const directory = await mkdtemp(start)
  const short = join(directory, 's')
  const remove = async (): Promise<void> => {
    if ((await readlink(path).catch(() => null)) === short) await rm(path, { force: true })
    await rm(short, { force: true })
    await rmdir(directory).catch(() => undefined)
  }
  await bind(server, short)
  try {
    await symlink(short, path)
  } catch (error) {
    server.close()
    await remove()
    throw codeOf(error) === 'EEXIST' ? inUse(path) : failed(path, `cannot be linked (${codeOf(error)})`, error)
  }
  return remove
}

/**
 * Lets a server listen at a path of any length, in a directory that only this user can enter. What a dead process left
 * there is replaced. That no two do so at the same moment is the business of who starts orchestrators.
 * @returns removes what was made for it, after the server was closed
 * @throws ERR_CONTROL_IN_USE, ERR_CONTROL_SOCKET_FAILED
 */
export const listenPrivately = async (server: Server, path: string): Promise<() => Promise<void>> => {
  await privateDirectory(path)
  if (Buffer.byteLength(path) > socketPathLimit(process.platform)) return bindShort(server, path)
  await bind(server, path)
  // Closing the server has removed the socket; another may lie there by now.
  return () => Promise.resolve()
}
