import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { BIN, type CliWorld, makeCliWorld } from './cli.ts'

export type GuideStep = { readonly command: string; readonly output: string }

/** What stands in the console blocks of a guide: commands, and what each prints. */
export const guideSteps = (guide: string): readonly GuideStep[] =>
  [...guide.matchAll(/^```console\n([^]*?)^```$/gmu)].flatMap(([, block = '']) =>
    [...block.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gmu)].map(([, command = '', output = '']) => ({ command, output })),
  )

export type GuideWorld = CliWorld & { readonly sh: (command: string) => Promise<string>; readonly end: () => Promise<void> }

/** A repository named `shop` with the Makefile of the guides, and `bin` of this clone on the PATH of a shell without settings. */
export const makeGuideWorld = async (): Promise<GuideWorld> => {
  const world = await makeCliWorld({ name: 'shop' })
  const place = mkdtempSync(join(tmpdir(), 'signalbox-guide-'))
  writeFileSync(join(world.repo.root, 'Makefile'), 'test:\n\t@echo "12 tests passed"\n')
  await world.repo.git('add', '.')
  await world.repo.git('commit', '-qm', 'tests')
  const PATH = `${dirname(BIN)}:${process.env['PATH'] ?? ''}`
  Object.assign(world.env, { XDG_RUNTIME_DIR: place, HOME: place, SHELL: '/bin/bash', PATH })
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
  const end = async (): Promise<void> => {
    await world.run(['down'])
    await world.cleanup()
    rmSync(place, { recursive: true, force: true })
  }
  return { ...world, sh, end }
}
