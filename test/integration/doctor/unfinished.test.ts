import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { copyWorld, lost, makeWorld, runChild, survey, unaccounted, type World } from '../../helpers/crash-world.ts'
import { branchesOf, doctor, environmentOf, findingOn, plant, told } from './planted.ts'

/**
 * A filter that git runs in the middle of a check-out. It walks up from itself to the crash child (CRASH_ROOT, a start
 * of its command line) and kills: everything on the way, or only the crash child. Elsewhere it only copies.
 */
const FILTER = `#!/bin/sh
if [ -e "$CRASH_FLAG" ]; then
  pid=$PPID; way=
  while [ "$pid" -gt 1 ]; do
    if tr '\\0' ' ' < "/proc/$pid/cmdline" | grep -q 'crash-child.ts'; then found=$pid; break; fi
    way="$pid $way" # the uppermost first: a git that sees its child die clears up
    pid=$(sed 's/.*) . //' "/proc/$pid/stat" | cut -d' ' -f1)
  done
  if [ -n "$found" ]; then
    case $(cat "$CRASH_FLAG") in
      all) kill -9 "$found" $way ;;
      run) kill -9 "$found"; sleep 2; : > "$CRASH_FLAG.done" ;;
    esac
  fi
fi
exec cat
`

/** Stands for git: is ended, with its run, when it has removed a part of a worktree. What it removes is told by the flag. */
const GIT = `#!/bin/sh
for path; do :; done
case " $* " in
  *' worktree remove '*)
    if [ -e "$CRASH_FLAG" ]; then
      for name in $(cat "$CRASH_FLAG"); do rm -rf "$path/$name"; done
      kill -9 "$PPID" $$
    fi ;;
esac
PATH=\${PATH#*:} exec git "$@"
`

const PLAN = { keep: 'never', lanes: { one: { commands: ['true'] }, two: { commands: ['true'] } } }

describe('doctor --fix after kill -9 of git itself', () => {
  let template: World
  let world: World
  beforeAll(async () => {
    template = await makeWorld()
    await mkdir(join(template.root, 'src'))
    for (const [name, text] of [
      ['a.txt', 'first\n'],
      ['m.cut', 'filtered\n'.repeat(1_000)],
      ['src/z.txt', 'last\n'],
      ['.gitattributes', '*.cut filter=cut\n'],
    ] as const) {
      await writeFile(join(template.root, name), text)
    }
    await template.git('add', '.gitattributes', 'a.txt', 'm.cut', 'src')
    await template.git('commit', '-q', '-m', 'filtered files')
  })
  afterAll(() => template.cleanup())
  beforeEach(async () => {
    world = await copyWorld(template)
    const filter = join(world.base, 'filter')
    await writeFile(filter, FILTER)
    await chmod(filter, 0o755)
    await world.git('config', 'filter.cut.smudge', `'${filter}'`)
  })
  afterEach(() => world.cleanup())

  const crash = async (which: 'all' | 'run'): Promise<void> => {
    const flag = join(world.base, 'flag')
    await writeFile(flag, which)
    const { signal, stderr } = await runChild(
      { workspace: world.root, stateHome: world.stateHome, plan: PLAN, point: null },
      { CRASH_FLAG: flag },
    )
    expect([signal, stderr]).toEqual(['SIGKILL', ''])
    await rm(flag)
  }

  const halfMade = async (): Promise<string> => {
    const names = await readdir(world.lanes)
    expect(names.length).toBe(1)
    return join(world.lanes, names[0] ?? '')
  }

  it('removes the half-made worktree that git left locked, and its branch [LN-5] [LN-11]', async () => {
    await crash('all')
    const path = await halfMade()
    expect(await world.git('worktree', 'list', '--porcelain')).toMatch(/^locked initializing$/mu)
    expect(existsSync(join(path, 'src'))).toBe(false)
    const before = await survey(world)
    expect(findingOn(await doctor(world, false), path)).toMatchObject({ action: 'would-remove' })
    const report = await doctor(world)
    expect(findingOn(report, path)).toMatchObject({ action: 'removed' })
    expect([await unaccounted(world, new Set()), await lost(world, before)]).toEqual([[], []])
    expect((await doctor(world)).found).toEqual([])
    const again = await runChild({ workspace: world.root, stateHome: world.stateHome, plan: PLAN, point: null })
    expect(again.finished).toMatchObject({ ok: true })
  })

  it('keeps a half-made worktree into which somebody put a file, or changed one [LN-7]', async () => {
    await crash('all')
    const path = await halfMade()
    await writeFile(join(path, 'mine.txt'), 'mine')
    expect(findingOn(await doctor(world), path)).toMatchObject({ action: 'left', why: expect.stringContaining('mine.txt') as string })
    expect(await readFile(join(path, 'mine.txt'), 'utf8')).toBe('mine')
    await rm(join(path, 'mine.txt'))
    await writeFile(join(path, 'a.txt'), 'changed')
    expect(findingOn(await doctor(world), path)).toMatchObject({ action: 'left', why: expect.stringContaining('a.txt') as string })
    // The beginning of what the base has there is what a cut check-out leaves.
    await writeFile(join(path, 'a.txt'), 'fir')
    expect(findingOn(await doctor(world), path)).toMatchObject({ action: 'removed' })
    expect(existsSync(path)).toBe(false)
  })

  it('waits for the git that outlived its run [LN-11]', async () => {
    await crash('run')
    const path = await halfMade()
    await doctor(world)
    expect(existsSync(join(world.base, 'flag.done'))).toBe(true)
    expect(existsSync(path)).toBe(false)
    expect(await unaccounted(world, new Set())).toEqual([])
    expect((await doctor(world)).found).toEqual([])
  })

  it('removes the half-made worktree also where no record names it [LN-11]', async () => {
    await crash('all')
    const path = await halfMade()
    await rm(world.stateHome, { recursive: true })
    expect(findingOn(await doctor(world), path)).toMatchObject({ action: 'removed' })
    expect(await unaccounted(world, new Set())).toEqual([])
  })

  for (const removed of ['a.txt src', 'a.txt src .git', 'a.txt file-1.txt file-2.txt m.cut src .gitattributes .git']) {
    it(`takes up a removal that was cut short after ${removed} [LN-6] [LN-11]`, async () => {
      const bin = join(world.base, 'bin')
      await mkdir(bin)
      await writeFile(join(bin, 'git'), GIT)
      await chmod(join(bin, 'git'), 0o755)
      const flag = join(world.base, 'flag')
      await writeFile(flag, removed)
      const task = { workspace: world.root, stateHome: world.stateHome, plan: { ...PLAN, parallel: 1 }, point: null }
      const { signal } = await runChild(task, { CRASH_FLAG: flag, PATH: `${bin}:${process.env['PATH']}` })
      expect(signal).toBe('SIGKILL')
      const path = await halfMade()
      const before = await survey(world)
      expect(findingOn(await doctor(world, false), path)).toMatchObject({ action: 'would-remove' })
      expect(findingOn(await doctor(world), path)).toMatchObject({ action: 'removed' })
      expect([await unaccounted(world, new Set()), await lost(world, before)]).toEqual([[], []])
      expect((await doctor(world)).found).toEqual([])
    })
  }

  it('keeps what was written to a worktree after its removal was cut short [LN-7]', async () => {
    const { path } = await plant(world, 'cut', { state: 'cleaning' })
    const entry = join(world.root, '.git', 'worktrees', path.slice(world.lanes.length + 1))
    await writeFile(join(entry, 'signalbox-removing'), '')
    await rm(join(path, 'a.txt'))
    await writeFile(join(path, 'mine.txt'), 'mine')
    expect(findingOn(await doctor(world), path)).toMatchObject({ action: 'left' })
    expect(await readFile(join(path, 'mine.txt'), 'utf8')).toBe('mine')
  })

  it('lists worktrees while another git fills the entry of its own [LN-11]', async () => {
    const dir = join(world.root, '.git', 'worktrees', 'theirs')
    await mkdir(dir)
    await writeFile(join(dir, 'commondir'), '')
    await writeFile(join(dir, 'gitdir'), `${world.base}/theirs/.git\n`)
    const { worktrees } = await environmentOf(world)
    await expect(worktrees.list()).rejects.toThrow('commondir')
    const listed = worktrees.list()
    await new Promise((resolve) => setTimeout(resolve, 50))
    await writeFile(join(dir, 'commondir'), '../..\n')
    expect((await listed).map(({ path }) => path)).toContain(world.root)
  })

  it('clears away what git left before it had made a worktree: every step of an add [LN-5]', async () => {
    const admin = join(world.root, '.git', 'worktrees')
    const steps = ['directory', 'branch', 'lock', 'gitdir', 'link', 'head', 'half'] as const
    const planted = []
    for (const [index, step] of steps.entries()) {
      const lane = await plant(world, step, { worktree: false, state: 'provisioning' })
      planted.push(lane)
      const dir = join(admin, lane.path.slice(world.lanes.length + 1))
      await mkdir(lane.path, { recursive: true })
      if (index >= 1) await world.git('branch', lane.branch, 'main')
      if (index >= 2) {
        await mkdir(dir)
        await writeFile(join(dir, 'locked'), 'initializing\n')
      }
      if (index >= 3) await writeFile(join(dir, 'gitdir'), `${lane.path}/.git\n`)
      if (index >= 4) await writeFile(join(lane.path, '.git'), `gitdir: ${dir}\n`)
      if (index >= 5) {
        await writeFile(join(dir, 'HEAD'), `${'0'.repeat(40)}\n`)
        // The last one is met between the making of the file and its first byte: no git can list worktrees then.
        await writeFile(join(dir, 'commondir'), step === 'half' ? '' : '../..\n')
      }
    }
    await expect(world.git('worktree', 'list')).rejects.toThrow('commondir')
    expect((await doctor(world, false)).found.some(({ action, what }) => action === 'would-remove' && what.includes('half-'))).toBe(true)
    const report = await doctor(world)
    expect(report.checks.filter(({ ok }) => ok === false)).toEqual([])
    expect(told(report).filter((line) => line.startsWith('left'))).toEqual([])
    expect(await unaccounted(world, new Set())).toEqual([])
    for (const { branch } of planted) expect(await branchesOf(world)).not.toContain(branch)
    expect((await doctor(world)).found).toEqual([])
  })
})
