/**
 * Runs examples/start.yaml through the built command line in a repository with a history, then checks, with ps-like and
 * git means of its own, that what should have happened did and that nothing is left.
 */
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunRecord } from '../src/protocols/records.ts'
import type { CommandSummary, LaneSummary } from '../src/protocols/summary.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const plan = join(root, 'examples', 'start.yaml')
const scratch = mkdtempSync(join(tmpdir(), 'signalbox-start-'))
const repository = join(scratch, 'repository')
const env = { ...process.env, XDG_STATE_HOME: join(scratch, 'state'), GIT_CONFIG_NOSYSTEM: '1' }
const signalbox = join(root, 'bin', 'signalbox.js')

const git = (...args: string[]): string => execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8', env })
const identity = ['-c', 'user.name=signalbox', '-c', 'user.email=signalbox@localhost']

/** A clone of this repository; where the sources came without .git, one with a few commits of them. */
const makeRepository = (): string => {
  const cloned = existsSync(join(root, '.git'))
  if (cloned)
    execFileSync('git', ['clone', '--quiet', '--no-hardlinks', root, repository], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  else {
    mkdirSync(repository)
    git('init', '--quiet', '--initial-branch=main')
    for (const part of ['README.md', 'docs', 'examples']) {
      if (!existsSync(join(root, part))) continue
      cpSync(join(root, part), join(repository, part), { recursive: true })
      git('add', '--all')
      git(...identity, 'commit', '--quiet', '-m', `docs: add ${part}`)
    }
    writeFileSync(join(repository, 'notes.txt'), 'made by script/start\n')
    git('add', '--all')
    git(...identity, 'commit', '--quiet', '-m', 'docs: add notes')
  }
  return `${cloned ? 'a clone of this repository' : 'made from these sources'}, ${git('rev-list', '--count', 'HEAD').trim()} commits`
}

type Ground = { readonly processes: readonly string[]; readonly worktrees: readonly string[]; readonly branches: readonly string[] }

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

/** Every process of this machine, seen by us, whose environment names this run's repository. */
const marked = (): string[] => {
  const workspace = join(repository, '.git', 'signalbox', 'workspace')
  if (!existsSync(workspace)) return []
  const mark = `SIGNALBOX_MARK=${readFileSync(workspace, 'utf8').trim()}/`
  if (process.platform !== 'linux')
    return lines(execFileSync('ps', ['-axEww', '-o', 'pid=,command='], { encoding: 'utf8' })).filter((line) => line.includes(mark))
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/u.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)
      } catch {
        return false
      }
    })
}

const ground = (): Ground => ({
  processes: marked(),
  worktrees: lines(git('worktree', 'list', '--porcelain')).filter((line) => line.startsWith('worktree ')),
  branches: lines(git('for-each-ref', '--format=%(refname:short)', 'refs/heads')),
})

const run = (args: readonly string[], output: 'inherit' | 'pipe'): Promise<{ code: number | null; text: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [signalbox, ...args], { cwd: repository, env, stdio: ['inherit', output, 'inherit'] })
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part))
    child.on('error', reject).on('close', (code) => resolve({ code, text }))
  })

const failures: string[] = []
const check = (what: string, held: boolean): void => {
  process.stdout.write(`  ${held ? 'ok  ' : 'FAIL'} ${what}\n`)
  if (!held) failures.push(what)
}

const command = (lane: LaneSummary | undefined, name: string): CommandSummary | undefined => lane?.commands.find((one) => one.name === name)

const checkRun = (code: number | null, lanes: readonly LaneSummary[]): void => {
  const lane = (name: string): LaneSummary | undefined => lanes.find((one) => one.name === name)
  check('run exits with 1, because one lane fails on purpose', code === 1)
  check(
    'flaky/test crashed twice and recovered: 3 attempts',
    command(lane('flaky'), 'test')?.attempts === 3 && lane('flaky')?.outcome === 'succeeded',
  )
  check(
    'crash-loop/migrate had exactly the 3 attempts that its plan allows, and failed its lane',
    command(lane('crash-loop'), 'migrate')?.attempts === 3 && lane('crash-loop')?.outcome === 'failed',
  )
  check(
    'stubborn/daemon ignored SIGTERM and was killed',
    command(lane('stubborn'), 'daemon')?.signal === 'SIGKILL' && lane('stubborn')?.outcome === 'succeeded',
  )
  check('report ran after changelog', lane('report')?.outcome === 'succeeded' && lane('changelog')?.outcome === 'succeeded')
  const logs = lanes.flatMap(({ commands }) => commands.map(({ log }) => log))
  check(
    `every log is there (${logs.length})`,
    logs.every((log) => log !== null && existsSync(log)),
  )
}

const checkGround = (before: Ground, after: Ground, lanes: readonly LaneSummary[]): void => {
  const committed = lanes.filter(({ commits }) => commits > 0).map(({ branch }) => branch)
  const added = after.branches.filter((branch) => !before.branches.includes(branch))
  process.stdout.write('\n              before   after\n')
  for (const kind of ['processes', 'worktrees', 'branches'] as const) {
    process.stdout.write(`  ${kind.padEnd(12)}${String(before[kind].length).padStart(6)}${String(after[kind].length).padStart(8)}\n`)
  }
  process.stdout.write('\n')
  check('no process with our marker', after.processes.length === 0)
  check('no worktree that was not there before', after.worktrees.join() === before.worktrees.join())
  check(
    `no branch without commits (new: ${added.join(', ')}, which holds a commit)`,
    added.length === 1 && added.join() === committed.join(),
  )
  check('no directory of lanes', !existsSync(`${repository}.lanes`))
}

const main = async (): Promise<void> => {
  process.stdout.write(`repository    ${repository} (${makeRepository()})\nplan          examples/start.yaml\n\n`)
  const before = ground()
  const { code } = await run(['run', plan], 'inherit')
  const after = ground()
  const { text } = await run(['runs', '--json'], 'pipe')
  const { runs } = JSON.parse(text) as { runs: readonly RunRecord[] }
  const lanes = runs.at(-1)?.summary?.lanes ?? []
  process.stdout.write('\n$ signalbox why crash-loop/migrate\n')
  await run(['why', 'crash-loop/migrate'], 'inherit')
  process.stdout.write('\nWhat should have happened\n')
  checkRun(code, lanes)
  process.stdout.write('\nThe ground')
  checkGround(before, after, lanes)
}

try {
  await main()
} finally {
  if (failures.length === 0) rmSync(scratch, { recursive: true, force: true })
}
process.stdout.write(
  failures.length === 0
    ? '\nclean ground: everything held (the repository and its logs have been removed again)\n'
    : `\n${failures.length} checks failed; left for a look: ${scratch}\n`,
)
process.exitCode = failures.length === 0 ? 0 : 1
