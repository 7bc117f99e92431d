import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../../../src/cli/run.command.ts'
import { renderDryRun } from '../../../src/cli/render-dry-run.ts'
import { painter } from '../../../src/cli/paint.ts'
import { widthOf } from '../../../src/cli/text.ts'
import type { DryRun, PlannedNode } from '../../../src/protocols/dry-run.ts'
import { validatePlan } from '../../../src/protocols/plan-parse.ts'
import { dryRun } from '../../../src/runtime/dry-run.ts'
import type { TreeNode } from '../../../src/supervisors/system.types.ts'
import { fakeIo } from '../../unit/cli/fakes.ts'
import { makeRepo, type TestRepo } from '../../helpers/git-repo.ts'
import { lasting, makeWorld, noted, until } from './run-kit.ts'

let repo: TestRepo
beforeAll(async () => {
  repo = await makeRepo({ name: 'rëpo with spaces', commits: 1 })
  await repo.write('.env', 'A=1\n')
})
afterAll(() => repo.cleanup())

const plan = (commands: readonly unknown[], more: object = {}) => validatePlan({ lanes: { a: { commands, ...more } } })
const dry = (commands: readonly unknown[], more: object = {}): Promise<DryRun> =>
  dryRun({ workspace: repo.root, stateHome: join(repo.base, 'state') }, plan(commands, more))
const problems = ({ checks }: DryRun): string[] => checks.filter(({ ok }) => ok === false).map(({ name }) => name)

/** Names and bytes of everything under a directory. */
const contents = async (directory: string): Promise<Readonly<Record<string, string>>> => {
  const found: Record<string, string> = {}
  for (const item of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(item.parentPath, item.name)
    found[path] = item.isFile() ? (await readFile(path)).toString('base64') : ''
  }
  return found
}

describe('a dry run', () => {
  it('changes no file, ref or record, and makes no directory [SUP-1]', async () => {
    const before = await contents(repo.base)
    await repo.write(
      '../plan.yaml',
      'lanes: { a: { copy: [.env], commands: ["touch ran"] }, b: { after: [a], commands: [{ run: ["true"] }] } }',
    )
    const written = await contents(repo.base)
    const io = { ...fakeIo(), cwd: repo.root, env: { ...process.env, XDG_STATE_HOME: join(repo.base, 'state') } }
    expect(await runCommand('../plan.yaml', { dryRun: true }, io)).toBe(0)
    expect(await contents(repo.base)).toEqual(written)
    expect(Object.keys(written).length).toBe(Object.keys(before).length + 1)
    expect(io.out.text()).toContain('nothing was started or written')
  })

  it('shows the tree that runs [SUP-1]', async () => {
    const world = await makeWorld()
    try {
      const wanted = validatePlan({ lanes: { a: { commands: [{ name: 'srv', run: lasting('srv'), restart: 'permanent' }] } } })
      const { tree } = await dryRun({ workspace: world.repo.root, stateHome: world.stateHome }, wanted)
      const handle = await world.runtime.start(wanted)
      await noted(world, 'srv')
      await until('it is recorded', () => handle.view().lanes[0]?.commands[0]?.state === 'active')
      const shape = (node: PlannedNode | TreeNode): unknown => [node.name.replace(/:.*/u, ''), node.children.map(shape)]
      expect(shape(tree)).toEqual(shape(world.runtime.tree()))
    } finally {
      await world.end()
    }
  })

  it('tells of a lane where it would lie and what it would run [SUP-1]', async () => {
    const more = { env: { B: '1', A: '2' }, copy: ['.env'] }
    const { ok, lanes } = await dry([{ name: 'x', run: ['true', 'a b'], graceMs: 7, env: { C: 'secret' } }], more)
    expect(ok).toBe(true)
    expect(lanes).toEqual([
      {
        name: 'a',
        base: 'HEAD',
        commit: (await repo.git('rev-parse', 'HEAD')).trim(),
        after: [],
        worktree: join(repo.base, 'rëpo with spaces.lanes', 'a-xxxxxxxx'),
        branch: 'signalbox/a-xxxxxxxx',
        copy: ['.env'],
        envNames: ['A', 'B'],
        commands: [{ name: 'x', argv: ['true', 'a b'], graceMs: 7, envNames: ['C'] }],
      },
    ])
  })

  it.each([
    ['a command that is not there', [{ name: 'x', run: ['no-such-program'] }], {}, ['a/x']],
    ['a base that is not there', ['true'], { base: 'gone' }, ['a: base']],
    ['a file to copy that is not there', ['true'], { copy: ['nothing.txt'] }, ['a: copy']],
    ['nothing, where all is well', ['true'], {}, []],
  ])('finds %s [SUP-1]', async (_, commands, more, names) => {
    const report = await dry(commands, more)
    expect(problems(report)).toEqual(names)
    expect(report.ok).toBe(names.length === 0)
  })

  it('cannot tell of a program in the worktree, and says so [SUP-1]', async () => {
    await repo.write('only-here.sh', 'exit 0')
    const report = await dry([
      { name: 'x', run: ['./made-by-a-lane'] },
      { name: 'y', run: ['./only-here.sh'] },
    ])
    for (const command of ['a/x', 'a/y']) expect(report.checks.find(({ name }) => name === command)).toMatchObject({ ok: null })
    expect(report.ok).toBe(true)
  })

  it('exits with 4 when a check fails, and prints one document with --json [SUP-1]', async () => {
    await repo.write('../bad.yaml', 'lanes: { a: { base: gone, commands: ["true"] } }')
    const io = { ...fakeIo(), cwd: repo.root }
    expect(await runCommand('../bad.yaml', { dryRun: true, json: true, keep: 'always', parallel: 2 }, io)).toBe(4)
    expect(JSON.parse(io.out.text())).toMatchObject({ type: 'dry-run', ok: false, keep: 'always', parallel: 2 })
  })

  it('fits 80 columns, apart from what is wrong and why [SUP-1]', async () => {
    const long = { name: 'n'.repeat(40), run: `echo ${'ü'.repeat(200)}\u001b[31m`, restart: 'transient' }
    const argv = { name: 'argv', run: ['true', '\u001b[31m', '漢'.repeat(50)] }
    const lines = renderDryRun(await dry([long, argv]), painter(false))
    for (const line of lines) expect(widthOf(line), line).toBeLessThanOrEqual(80)
    expect(lines.join('')).not.toContain('\u001b')
  })
})
