import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BIN, type CliWorld, makeCliWorld } from '../helpers/cli.ts'

const guide = readFileSync(resolve(import.meta.dirname, '../../docs/guide/terminals-and-lanes.md'), 'utf8')

type Step = { readonly command: string; readonly output: string }
/** What stands in the console blocks: commands, and what each prints. */
const steps: readonly Step[] = [...guide.matchAll(/^```console\n([^]*?)^```$/gmu)].flatMap(([, block = '']) =>
  [...block.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gmu)].map(([, command = '', output = '']) => ({ command, output })),
)

/** Without what differs from one time to the next: ids, pids, times, places, progress, and the spaces that go with their width. */
const shape = (text: string): string =>
  text
    .replace(/(\/[^\s/]+)*\/(shop\.lanes|signalbox\/ws_)/gu, '…/$2')
    .replace(/\b(ws|ln|tm)_\w{26}/gu, '$1_ID')
    .replace(/\b(parser|docs)-[a-z\d]{8}\b/gu, '$1-ID')
    .replace(/\b[\da-f]{12}\b/gu, 'COMMIT')
    .replace(/pid \d+/gu, 'pid N')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+Z/gu, 'TIME')
    .replace(/^ +\d+ {2}TIME/gmu, 'N TIME')
    .replace(/^stopping: .*\n/gmu, '')
    .replace(/\r/gu, '')
    .replace(/ {2,}/gu, '  ')
    .trimEnd()

let world: CliWorld
let place: string
beforeAll(async () => {
  world = await makeCliWorld({ name: 'shop' })
  place = mkdtempSync(join(tmpdir(), 'signalbox-guide-'))
  mkdirSync(join(place, 'bin'))
  symlinkSync(BIN, join(place, 'bin/signalbox'))
  writeFileSync(join(world.repo.root, 'Makefile'), 'test:\n\t@echo "12 tests passed"\n')
  await world.repo.git('add', '.')
  await world.repo.git('commit', '-qm', 'tests')
  // the shell finds no settings of whoever runs the test
  Object.assign(world.env, {
    XDG_RUNTIME_DIR: place,
    HOME: place,
    SHELL: '/bin/bash',
    PATH: `${join(place, 'bin')}:${process.env['PATH'] ?? ''}`,
  })
})
afterAll(async () => {
  await world.run(['down'])
  await world.cleanup()
  rmSync(place, { recursive: true, force: true })
})

const sh = (command: string): Promise<string> =>
  new Promise((done, failed) => {
    const child = spawn('/bin/sh', ['-c', `${command} 2>&1`], {
      cwd: world.repo.root,
      env: world.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
    child.on('error', failed).on('close', () => done(text))
  })
/** What is looked at may not have happened yet. */
const LOOKS = /^signalbox (term ls|term logs|events)/u

describe('the guide to terminals and lanes', () => {
  it('each command prints what stands below it', async () => {
    expect(steps.length).toBeGreaterThan(10)
    for (const { command, output } of steps) {
      const printed = async (): Promise<string> => shape(`$ ${command}\n${await sh(command)}`)
      const wanted = shape(`$ ${command}\n${output}`)
      if (LOOKS.test(command)) await expect.poll(printed, { timeout: 20_000 }).toBe(wanted)
      else expect(await printed()).toBe(wanted)
    }
  })
})
