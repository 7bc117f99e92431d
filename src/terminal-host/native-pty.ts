import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { LineRequest } from '../ports/terminal-lines.port.ts'
import { SignalboxError } from '../protocols/errors.ts'

/** The native layer of node-pty 1.1 (src/unix/pty.cc). Its JavaScript half is not used: docs/adr/0003 says why. */
type NativePty = {
  /** On macOS `helper` is executed with (cwd, file, ...args); on Linux `file` is, after chdir to a non-empty `cwd`. */
  fork(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helper: string,
    onExit: (exitCode: number, signal: number) => void,
  ): { fd: number; pid: number; pty: string }
  resize(fd: number, cols: number, rows: number): void
}

let loaded: NativePty | undefined

/** @throws ERR_PTY_UNSUPPORTED where node-pty has no native module for this platform */
export function loadNativePty(): NativePty {
  if (loaded !== undefined) return loaded
  const require = createRequire(import.meta.url)
  const root = dirname(require.resolve('node-pty/package.json'))
  const failures: string[] = []
  for (const directory of ['build/Release', 'build/Debug', `prebuilds/${process.platform}-${process.arch}`]) {
    try {
      loaded = require(join(root, directory, 'pty.node')) as NativePty
      return loaded
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new SignalboxError('ERR_PTY_UNSUPPORTED', 'node-pty has no native module here. Run `npm rebuild node-pty`.', {
    context: { failures },
  })
}

/** Forks the exec helper onto a new terminal: both platforms end in `helper CWD FILE ARGV0 ...`. */
export function forkHelper(
  request: LineRequest,
  onExit: (exitCode: number, signal: number) => void,
): { readonly fd: number; readonly pid: number; readonly ttyPath: string } {
  const native = loadNativePty()
  const { helperPath, file, argv, env, cwd, cols, rows } = request
  const { fd, pid, pty } =
    process.platform === 'darwin'
      ? native.fork(file, [...argv], [...env], cwd, cols, rows, -1, -1, true, helperPath, onExit)
      : native.fork(helperPath, [cwd, file, ...argv], [...env], '', cols, rows, -1, -1, true, '', onExit)
  return { fd, pid, ttyPath: pty }
}
