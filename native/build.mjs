// Compiles each program of native/ into native/build/, unless that is newer. Plain Node >= 20, no dependencies,
// so that an install script can run it: `node native/build.mjs [--force]`. $CC and $CFLAGS are honoured.
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
/** The helper of every terminal, and the holder of those that tmux holds. */
const PROGRAMS = ['exec-helper', 'pane-holder']

const mtime = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
const isUpToDate = (path, source) => mtime(path) > Math.max(mtime(source), 1)

const words = (text) => (text ?? '').split(/\s+/).filter(Boolean)

/**
 * Builds a program when it is missing or older than its source.
 * @returns {{ path: string, built: boolean }}
 * @throws Error that says what to do when there is no compiler, or what it printed.
 */
function build(name, { force = false, env = process.env } = {}) {
  const sourcePath = join(here, `${name}.c`)
  const path = join(here, 'build', name)
  if (!force && isUpToDate(path, sourcePath)) return { path, built: false }
  mkdirSync(dirname(path), { recursive: true })
  // Compiled aside and renamed: a terminal that starts meanwhile never sees half a file.
  const unfinished = `${path}.${process.pid}`
  const [compiler = 'cc', ...options] = words(env.CC)
  const compile = (extra) =>
    spawnSync(
      compiler,
      [...options, '-std=gnu11', '-O2', '-Wall', '-Wextra', ...words(env.CFLAGS), ...extra, '-o', unfinished, sourcePath],
      {
        encoding: 'utf8',
        env,
      },
    )
  try {
    // Static starts faster (no dynamic linker between fork and the command); not every system has a static libc.
    let result = process.platform === 'linux' ? compile(['-static']) : compile([])
    if (result.error === undefined && result.status !== 0) result = compile([])
    // EACCES: a directory of the PATH that this user may not enter.
    if (result.error?.code === 'ENOENT' || result.error?.code === 'EACCES') {
      throw new Error(`signalbox: no C compiler: "${compiler}" is not on the PATH. Install gcc or clang (or set CC), then run this again.`)
    }
    if (result.error) throw result.error
    if (result.status !== 0) throw new Error(`signalbox: ${compiler} could not compile ${sourcePath}:\n${result.stderr}`)
    renameSync(unfinished, path)
  } finally {
    rmSync(unfinished, { force: true })
  }
  return { path, built: true }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    for (const name of PROGRAMS) {
      const { path, built } = build(name, { force: process.argv.includes('--force') })
      console.log(`${built ? 'built' : 'up to date'}: ${path}`)
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
