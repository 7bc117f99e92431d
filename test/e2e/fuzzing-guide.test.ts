import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const root = resolve(import.meta.dirname, '../..')
const guide = readFileSync(join(root, 'docs/guide/fuzzing.md'), 'utf8')
const testing = readFileSync(join(root, 'docs/guide/testing.md'), 'utf8')
const block = (text: string, language: string): string => new RegExp(`\`\`\`${language}\\n([^]*?)\n\`\`\``).exec(text)?.[1] ?? ''
const place = mkdtempSync(join(tmpdir(), 'signalbox-guide-'))
afterAll(() => rmSync(place, { recursive: true }))

/** A project as the reader of the guide has it: the package by its name, the built command. */
const run = async (...args: string[]): Promise<{ code: number; out: string }> =>
  promisify(execFile)(process.execPath, args, { cwd: place, env: { ...process.env, NO_COLOR: '1' } }).then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    (error: { code: number; stdout: string }) => ({ code: error.code, out: error.stdout }),
  )
const signalbox = (...args: string[]) => run(join(root, 'bin/signalbox.js'), ...args)

describe('the guides to testing and fuzzing', () => {
  beforeAll(() => {
    execFileSync(process.execPath, [join(root, 'script/build.ts')], { cwd: root })
    mkdirSync(join(place, 'node_modules'))
    symlinkSync(root, join(place, 'node_modules/signalbox'))
    writeFileSync(join(place, 'package.json'), '{ "type": "module" }')
  }, 240_000)

  it('the example runs as it stands, and holds [Q-2]', async () => {
    writeFileSync(join(place, 'account.prop.ts'), `${block(guide, 'ts')}\n`)
    const { code, out } = await signalbox('fuzz', '--minutes', '0.02')
    expect(out).toMatch(/^ok +\d+ runs {2}account\.prop\.ts: an account never pays more than it had\nseed \d+\n$/)
    expect(code).toBe(0)
  })

  it('a bug in the actor is found, kept, replayed, and gone when it is mended [Q-2]', async () => {
    const mended = block(guide, 'ts')
    const broken = mended.replace('paid ? balance - amount : balance', 'balance')
    expect(broken).not.toBe(mended)
    writeFileSync(join(place, 'account.prop.ts'), broken)
    expect((await signalbox('fuzz', '--minutes', '0.02')).code).toBe(1)
    const file = join('corpus', readdirSync(join(place, 'corpus'))[0]!)
    const still = await signalbox('replay', file)
    expect([still.code, still.out]).toEqual([1, expect.stringMatching(/step \d of \d[^]*still fails: an account never/)])
    writeFileSync(join(place, 'account.prop.ts'), mended)
    expect(await signalbox('replay', file)).toMatchObject({ code: 0, out: expect.stringMatching(/holds now/) as string })
    expect((await signalbox('fuzz', '--minutes', '0.01', '--seed', '1')).code).toBe(0)
  })

  it('the first example of testing.md prints its trace [SUP-9]', async () => {
    writeFileSync(join(place, 'example.ts'), block(testing, 'ts'))
    const { code, out } = await run('example.ts')
    expect(code).toBe(0)
    expect(out).toMatch(/fault +site=\{"actor":"counter","on":"add"\} kind="crash-after"\n[^]*answered +step=2 value=2/)
  })

  it('the workflow is one, and the example short [Q-2]', () => {
    const workflow = parse(block(guide, 'yaml')) as { on: object; jobs: { fuzz: { steps: { run?: string }[] } } }
    expect(Object.keys(workflow.on)).toEqual(['pull_request', 'schedule'])
    expect(workflow.jobs.fuzz.steps.map(({ run: line }) => line).join('\n')).toContain('npx signalbox fuzz --minutes')
    const [actor = '', tested = ''] = block(guide, 'ts').split('\nexport ')
    expect(tested.split('\n').length).toBeLessThanOrEqual(20)
    expect(actor).not.toBe('')
    expect(block(guide, 'yaml').split('\n').length).toBeLessThanOrEqual(20)
  })
})
