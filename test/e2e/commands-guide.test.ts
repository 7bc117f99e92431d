import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type GuideWorld, makeGuideWorld } from '../helpers/guide.ts'

/** The lines of the shell blocks of a guide, without their remarks. */
const linesOf = (guide: string): readonly string[] => {
  const text = readFileSync(resolve(import.meta.dirname, `../../docs/guide/${guide}.md`), 'utf8')
  return [...text.matchAll(/^```sh\n([^]*?)^```$/gmu)].flatMap(([, block = '']) =>
    block
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/u, ''))
      .filter((line) => line !== ''),
  )
}

/** They go on until Ctrl-C, which is sent after 2 s; the journal has nothing to do meanwhile. */
const ENDLESS = /--follow|--under docs|trace journal/u

let world: GuideWorld
beforeEach(async () => void (world = await makeGuideWorld()))
afterEach(() => world.end())

/** @returns what it printed, its exit code in the last line */
const ended = async (line: string): Promise<string> => {
  const isEndless = ENDLESS.test(line)
  // `timeout` ends with 124 where it had to interrupt
  return world.sh(`{ ${isEndless ? 'timeout --signal INT 2 ' : ''}${line}; echo "exit $?"; }`)
}

/** Each prints something and ends well, but for those that are named. */
const runAll = async (lines: readonly string[], others: Readonly<Record<string, RegExp>> = {}): Promise<void> => {
  for (const line of lines) {
    const wanted = others[line] ?? (ENDLESS.test(line) ? /^exit (124|130|0)$/mu : /^exit 0$/mu)
    expect(await ended(line), line).toMatch(wanted)
  }
  expect(Object.keys(others).filter((line) => !lines.includes(line))).toEqual([])
}

const must = async (command: string): Promise<void> => expect(await ended(command), command).toMatch(/exit 0\n$/u)

describe('every command of the guide', () => {
  it('to looking inside and repairing is carried out', async () => {
    for (const command of [
      'signalbox up',
      'signalbox lane add parser',
      'signalbox lane add docs',
      "signalbox term spawn parser -n server -- sh -c 'while sleep 1; do echo up; done'",
      'signalbox term spawn parser -n flaky -- sleep 1000',
    ])
      await must(command)
    const lines = linesOf('inspecting')
    expect(lines.length).toBeGreaterThan(15)
    await runAll(lines, {
      // drawn on a terminal in test/e2e/cli-inspect.test.ts
      'signalbox tree --watch': /draws on a terminal[^]*exit 2/u,
      // nothing was lost in this world
      'signalbox dead-letters --retry 7': /no dead letter 7[^]*exit 3/u,
    })
    expect(readFileSync(join(world.repo.root, 'lane.svg'), 'utf8')).toContain('<svg')
  })

  it('to the orchestrator is carried out', async () => {
    writeFileSync(join(world.repo.root, 'plan.yaml'), 'lanes: { tests: { commands: [make test] } }\n')
    const lines = linesOf('service')
    expect(lines.length).toBeGreaterThan(5)
    // Where a session of the user is there for it is not to be touched.
    const [install, uninstall] = ['signalbox service install', 'signalbox service uninstall']
    await runAll(lines.filter((line) => line !== install && line !== uninstall))
    expect(lines).toEqual(expect.arrayContaining([install, uninstall]))
  })

  it('to crashes is carried out', async () => {
    writeFileSync(join(world.repo.root, 'plan.yaml'), "lanes: { tests: { commands: [{ name: crash, run: 'echo no; exit 3' }] } }\n")
    expect(await ended('signalbox run plan.yaml')).toMatch(/exit 1\n$/u)
    const { crashes } = JSON.parse(await world.sh('signalbox crashes --json')) as { readonly crashes: readonly { readonly id: string }[] }
    const id = crashes[0]?.id ?? 'none'
    const lines = linesOf('crashes').map((line) => line.replace(/\bID\b/u, id).replace('LANE/COMMAND', 'tests/crash'))
    expect(lines.filter((line) => line.includes(id))).toHaveLength(1)
    await runAll(lines)
  })
})
