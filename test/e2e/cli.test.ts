import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunSummary } from '../../src/protocols/summary.ts'
import { type CliWorld, makeCliWorld, until } from '../helpers/cli.ts'

let world: CliWorld
beforeEach(async () => void (world = await makeCliWorld({ name: 'a repo — mit Lücken' })))
afterEach(() => world.cleanup())

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')
const branches = async (): Promise<string[]> => lines(await world.repo.git('for-each-ref', '--format=%(refname:short)', 'refs/heads'))
const worktrees = async (): Promise<number> => lines(await world.repo.git('worktree', 'list')).length

const HANGS = `
lanes:
  one: { commands: [ { name: hang, graceMs: 500, run: "trap '' TERM HUP; setsid sh -c 'trap \\"\\" TERM HUP; while :; do sleep 1; done' & echo up; while :; do sleep 1; done" } ] }
  two: { commands: [ { name: server, restart: permanent, run: "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done" } ] }
  three: { after: [one], commands: [ "echo never" ] }
`

describe('signalbox run', () => {
  it('ends with the summary as the last line of --json, in the documented shape', async () => {
    const plan = world.plan(
      'lanes: { good: { commands: ["echo one", "git commit -q --allow-empty -m work"] }, bad: { commands: [{ name: fails, run: exit 9 }] } }\nkeep: never\n',
    )
    const { code, stdout, stderr } = await world.run(['run', plan, '--json'])
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const events = lines(stdout).map((line) => JSON.parse(line) as Record<string, unknown>)
    const summary = events.at(-1) as unknown as RunSummary
    expect(summary).toMatchObject({ type: 'summary', ok: false })
    expect(summary.lanes.map(({ name, outcome, commits, worktree }) => ({ name, outcome, commits, worktree }))).toEqual([
      { name: 'good', outcome: 'succeeded', commits: 1, worktree: null },
      { name: 'bad', outcome: 'failed', commits: 0, worktree: null },
    ])
    expect(summary.lanes[1]?.commands[0]).toMatchObject({ name: 'fails', outcome: 'failed', exitCode: 9, signal: null, attempts: 1 })
    expect(events.slice(0, -1).every((event) => typeof event['sequence'] === 'number')).toBe(true)
    expect(await branches()).toEqual(['main', summary.lanes[0]?.branch])
    expect(readFileSync(summary.lanes[0]?.commands[0]?.log ?? '', 'utf8')).toBe('one\r\n')
  })

  it('prints one line an event and the summary without a terminal, and exits 0 when every lane succeeded', async () => {
    const { code, stdout } = await world.run(['run', world.plan('lanes: { a: { commands: ["echo hello"] } }')])
    expect(code).toBe(0)
    expect(stdout).toMatch(/pty\.exited +attempt 1: exit 0/u)
    expect(stdout).toMatch(/✔ succeeded in /u)
    expect(stdout).not.toContain('\u001b')
  })

  it('prints with --dry-run what would run, and runs nothing [SUP-1]', async () => {
    const plan = world.plan('lanes: { one: { commands: [{ name: hello, run: [sh, -c, exit 1], restart: transient }] } }\n')
    const { code, stdout, stderr } = await world.run(['run', '--dry-run', plan])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('pty:tm_one/hello')
    expect(await worktrees()).toBe(1)
  })

  it('keeps a worktree with uncommitted files whatever keep says, and says so [LN-7]', async () => {
    const { code, stdout } = await world.run(['run', world.plan('lanes: { a: { commands: ["echo x > new.txt"] } }\nkeep: never\n')])
    expect(code).toBe(0)
    const path = /^ +worktree +kept: (\/.+)$/mu.exec(stdout)?.[1] ?? ''
    expect(stdout).toMatch(/uncommitted +new\.txt/u)
    expect(readFileSync(join(path, 'new.txt'), 'utf8')).toBe('x\n')
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('stops gracefully on %s: nothing survives, 130 [PTY-7][LN-6]', async (signal) => {
    const started = world.start(['run', world.plan(HANGS), '--json'])
    await until('two processes are up', () => (started.output().match(/"type":"pty\.spawned"/gu) ?? []).length === 2)
    await until('the setsid grandchild is there', () => world.marked().length >= 4)
    started.child.kill(signal)
    const { code, stdout } = await started.finished
    const summary = JSON.parse(lines(stdout).at(-1) ?? '') as RunSummary
    expect(code).toBe(130)
    expect(summary.lanes.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['one', 'interrupted'],
      ['two', 'interrupted'],
      ['three', 'interrupted'],
    ])
    expect(readFileSync(summary.lanes[1]?.commands[0]?.log ?? '', 'utf8')).toContain('bye')
    expect(world.marked()).toEqual([])
    expect(await worktrees()).toBe(1)
    expect(await branches()).toEqual(['main'])
  })

  it('kills at the second Ctrl-C, and nothing survives', async () => {
    const started = world.start(['run', world.plan(HANGS.replace('graceMs: 500', 'graceMs: 600000')), '--json'])
    await until('two processes are up', () => (started.output().match(/"type":"pty\.spawned"/gu) ?? []).length === 2)
    started.child.kill('SIGINT')
    await until('it stops', () => started.output().includes('"type":"run.stopping"'))
    started.child.kill('SIGINT')
    const { code, stdout } = await started.finished
    expect(code).toBe(130)
    expect(stdout).toContain('"type":"run.killing"')
    expect(world.marked()).toEqual([])
    expect(await worktrees()).toBe(1)
    expect(await branches()).toEqual(['main'])
  })

  it('goes on to its end when nobody reads its output any more', async () => {
    const started = world.start(['run', world.plan('lanes: { a: { commands: ["sleep 0.3", "git commit -q --allow-empty -m late"] } }')])
    started.child.stdout?.destroy()
    started.child.stderr?.destroy()
    await started.finished
    const { stdout } = await world.run(['runs', '--json'])
    expect(stdout).toContain('"outcome":"succeeded"')
    expect(world.marked()).toEqual([])
  })

  it('runs one plan twice at once', async () => {
    const plan = world.plan('lanes: { a: { commands: ["sleep 0.2"] }, b: { commands: ["git commit -q --allow-empty -m work"] } }')
    const both = await Promise.all([world.run(['run', plan, '--json']), world.run(['run', plan, '--json'])])
    expect(both.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ])
    expect(await worktrees()).toBe(1)
    expect(await branches()).toHaveLength(3)
  })
})

describe('bad input', () => {
  const cases: readonly [title: string, plan: string, message: RegExp][] = [
    ['an unknown key', 'lanes: { a: { comands: [x] } }', /plan-1\.yaml:1:\d+: .*comands.*commands/u],
    ['a cycle', 'lanes: { a: { after: [b], commands: [x] }, b: { after: [a], commands: [x] } }', /a → b → a|b → a → b/u],
    ['two lanes of one name', 'lanes:\n  a: { commands: [x] }\n  a: { commands: [y] }\n', /plan-1\.yaml:3:\d+: .*a/u],
    ['an empty command', 'lanes: { a: { commands: [""] } }', /plan-1\.yaml:1:\d+: .*empty/iu],
    ['no YAML', 'lanes: { a: [', /plan-1\.yaml:\d+:\d+/u],
  ]
  it.each(cases)('refuses a plan with %s, and starts nothing', async (_title, text, message) => {
    const { code, stdout, stderr } = await world.run(['run', world.plan(text)])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^next: /mu)
    expect(await worktrees()).toBe(1)
  })

  it('names a repository that is none, is bare, or is empty', async () => {
    const plan = world.plan('lanes: { a: { commands: [x] } }')
    await world.repo.git('init', '-q', '--bare', '../bare.git')
    await world.repo.git('init', '-q', '../empty')
    const at = async (directory: string) => {
      const { code, stderr } = await world.run(['run', plan], { cwd: join(world.repo.base, directory) })
      return { code, stderr }
    }
    expect(await at('.')).toEqual({ code: 3, stderr: expect.stringMatching(/not in a git repository/u) })
    expect((await at('bare.git')).stderr).toMatch(/bare/u)
    expect((await at('empty')).stderr).toMatch(/no commits/u)
  })

  it('fails a lane whose base or command does not exist, and that lane alone', async () => {
    const plan = world.plan(
      'lanes: { base: { base: nowhere, commands: [x] }, command: { commands: [{ run: [no-such-program] }] }, good: { commands: ["true"] } }',
    )
    const { code, stdout } = await world.run(['run', plan, '--json'])
    const summary = JSON.parse(lines(stdout).at(-1) ?? '') as RunSummary
    expect(code).toBe(1)
    expect(summary.lanes.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'succeeded'])
    expect(summary.lanes[0]?.reason).toMatch(/nowhere/u)
    expect(summary.lanes[1]?.reason).toMatch(/no-such-program/u)
  })

  it('says that git is missing [LN-10]', async () => {
    const { code, stderr } = await world.run(['run', world.plan('lanes: { a: { commands: [x] } }')], {
      env: { ...world.env, PATH: '/nonexistent' },
    })
    expect(code).toBe(4)
    expect(stderr).toMatch(/git/u)
  })

  it.each([['wyh'], ['run'], ['run', 'a', 'b', 'c'], ['runs', '--jsno']])('answers %s with usage', async (...args) => {
    const { code, stdout, stderr } = await world.run(args.flat())
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^signalbox: /u)
  })
})

describe('signalbox why, runs and doctor', () => {
  it('tells exit code, attempts, decision and last lines of a command that was given up [SUP-4][SUP-9]', async () => {
    const plan = world.plan(
      'lanes: { crash: { commands: [{ name: boom, restart: transient, intensity: { restarts: 2, withinMs: 60000 }, backoff: { minMs: 1, maxMs: 2 }, run: "echo \'cannot open the database\'; exit 3" }] } }',
    )
    expect((await world.run(['run', plan])).code).toBe(1)
    const { code, stdout } = await world.run(['why', 'crash/boom'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^crash\/boom ✘ failed at /u)
    expect(stdout).toMatch(/It failed with exit code 3\. Its last words: "cannot open the database"\./u)
    expect(stdout.replaceAll(/\s+/gu, ' ')).toContain('decision: gave up: 3rd failure within 60 s, 2 restarts allowed')
    expect(stdout).toMatch(/the run was started, by signalbox run \(pid \d+\)/u)
    expect((await world.run(['why', 'crash/boom', '--evidence'])).stdout).toContain('boom, attempt 3: exit 3')
    expect((await world.run(['why', 'crash/boom', '--json'])).stdout).toMatch(/"exitCode":3/u)
  })

  it('answers why during a run', async () => {
    const started = world.start(['run', world.plan(HANGS), '--json'])
    await until('it runs', () => started.output().includes('"type":"pty.spawned"'))
    const { code, stdout } = await world.run(['why', 'three'])
    started.child.kill('SIGINT')
    await started.finished
    expect(code).toBe(0)
    expect(stdout).toMatch(/It waits for lane one/u)
  })

  it('cleans what a killed run left, and only that [ORP-3]', async () => {
    const started = world.start([
      'run',
      world.plan(`${HANGS}  four: { commands: [ "echo work > precious.txt", "sleep 100" ] }\n`),
      '--json',
    ])
    await until('all run', () => (started.output().match(/"type":"pty\.spawned"/gu) ?? []).length === 4)
    started.child.kill('SIGKILL')
    await started.finished
    expect(world.marked().length).toBeGreaterThan(0)
    const dry = await world.run(['doctor'])
    expect(dry.code).toBe(1)
    expect(world.marked().length).toBeGreaterThan(0)
    const fixed = await world.run(['doctor', '--fix'])
    expect(fixed.code).toBe(0)
    expect(world.marked()).toEqual([])
    expect(await worktrees()).toBe(2)
    const kept = lines(await world.repo.git('worktree', 'list', '--porcelain')).filter((line) => line.includes('/four-'))[0]
    expect(readFileSync(join(kept?.replace('worktree ', '') ?? '', 'precious.txt'), 'utf8')).toBe('work\n')
    expect(fixed.stdout).toContain('precious.txt')
    expect((await world.run(['doctor', '--fix'])).code).toBe(0)
    expect((await world.run(['runs'])).stdout).toMatch(/interrupted/u)
  })

  it('says what to do where nothing was run or the name is wrong', async () => {
    expect(await world.run(['why', 'a'])).toMatchObject({ code: 3, stdout: '' })
    await world.run(['run', world.plan('lanes: { parser: { commands: ["true"] } }')])
    const { code, stderr } = await world.run(['why', 'parsr'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/parser/u)
  })

  it('leaves no state file in the repository', async () => {
    await world.run(['run', world.plan('lanes: { a: { commands: ["true"] } }')])
    expect(await world.repo.git('status', '--porcelain')).toBe('')
    expect(existsSync(`${world.repo.root}.lanes`)).toBe(false)
  })
})

describe('a failure that is told apart', () => {
  it('is in the summary, and why says what it was, what was decided and what one can do [SUP-9]', async () => {
    const plan = world.plan(`
classify: { wait: { minMs: 20, times: 2 } }
lanes:
  auth: { commands: [ { name: agent, restart: transient, run: "echo 'Invalid API key · Please run /login'; exit 1" } ] }
  limit: { commands: [ { name: agent, restart: transient, run: "echo 'Too Many Requests'; exit 1" } ] }
keep: never
`)
    const { code, stdout } = await world.run(['run', plan])
    expect(code).toBe(1)
    expect(stdout).toContain('not restarted; exit code 1: it failed to authenticate ("Invalid API key · Please run /login")')
    expect(stdout).toContain('gave up after 3 attempts: it was rate-limited ("Too Many Requests"); waited 2 times in a row')
    const auth = await world.run(['why', 'auth/agent'])
    expect(auth.stdout).toContain('It failed to log in: its output says "Invalid API key')
    expect(auth.stdout).toMatch(/^What you can do\n {2}log in, or give the command its key/mu)
    const limit = await world.run(['why', 'limit/agent'])
    expect(limit.stdout.replaceAll(/\s+/gu, ' ')).toContain('waits 40 ms (2nd in a row; no restart is counted): it was rate-limited')
    expect((await world.run(['why', 'limit/agent', '--evidence'])).stdout).toMatch(/^Last crash\n {2}pty:tm_\w+\$3: exit 1/mu)
    const { stdout: json } = await world.run(['why', 'limit/agent', '--json'])
    expect(JSON.parse(json)).toMatchObject({
      attempts: [{ finding: { class: 'rateLimited', certain: true } }, {}, {}],
      decisions: [
        { decision: 'wait', waits: 1 },
        { decision: 'wait', waits: 2 },
        { decision: 'escalate', waits: 3 },
      ],
    })
  })
})

describe('signalbox crashes', () => {
  it('lists crashes, and shows one by the beginning of its id; why names the last [SUP-9]', async () => {
    expect((await world.run(['crashes'])).stdout).toBe('no crashes are on record\n')
    await world.run(['run', world.plan('lanes: { a: { commands: [{ name: c, run: "echo SECRET_KEY=abcdef; sleep 0.1; exit 7" }] } }')])
    const { stdout: list } = await world.run(['crashes'])
    expect(list).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}a\/c {2}exit 7; ended: the command is over/u)
    const { crashes } = JSON.parse((await world.run(['crashes', '--json'])).stdout) as { crashes: { id: string; file: string }[] }
    const [{ id, file } = { id: '', file: '' }] = crashes
    expect(crashes).toMatchObject([{ lane: 'a', command: 'c', exit: 'exit 7', handling: null }])
    const one = await world.run(['crashes', id.slice(0, 18)])
    expect(one.stdout).toContain('SECRET_KEY=[masked]')
    expect(one.stdout.trimEnd().endsWith(file)).toBe(true)
    expect(JSON.parse((await world.run(['crashes', id, '--json'])).stdout)).toMatchObject({ type: 'crash', id, process: { exitCode: 7 } })
    expect((await world.run(['why', 'a/c', '--evidence'])).stdout).toContain(file)
    expect((await world.run(['why', 'a/c'])).stdout).toContain(`$ signalbox crashes ${id}`)
    expect(await world.run(['crashes', 'nothing'])).toMatchObject({ code: 3, stderr: expect.stringContaining('no crash is recorded') })
    await world.run(['run', world.plan('lanes: { a: { commands: [exit 7] } }')])
    expect((await world.run(['crashes', '2'])).stderr).toContain('2 crashes have an id that begins with "2"')
  })
})
