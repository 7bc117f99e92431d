import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../../..')
const made: string[] = []

/** A source tree of its own: `count` harmless modules that import each other, and the given files. */
const tree = (files: Readonly<Record<string, string>>, count = 30): string => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-imports-'))
  made.push(directory)
  const all: Record<string, string> = { 'tsconfig.json': '{ "compilerOptions": { "module": "nodenext" } }', ...files }
  for (let index = 0; index < count; index += 1) {
    all[`src/protocols/filler-${index}.ts`] =
      index === 0
        ? 'export const f0 = 0'
        : `import { f${index - 1} } from './filler-${index - 1}.ts'\nexport const f${index}: number = f${index - 1}`
  }
  for (const [file, text] of Object.entries(all)) {
    mkdirSync(dirname(join(directory, file)), { recursive: true })
    writeFileSync(join(directory, file), text)
  }
  return directory
}

const check = (directory: string): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'script/check-imports.ts'), directory], { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

describe('import rules', () => {
  it('pass a tree that follows them, child specs of actors included [Q-5]', () => {
    const result = check(
      tree({
        'src/kernel/child-spec.ts': "import { f1 } from '../protocols/filler-1.ts'\nexport type Spec = typeof f1",
        'src/actors/a.actor.ts': "import type { Spec } from '../kernel/child-spec.ts'\nexport type A = Spec",
      }),
    )
    expect(result.output).toContain('0 violations')
    expect(result.status).toBe(0)
  })

  const violations: Readonly<Record<string, { files: Record<string, string>; rule: string }>> = {
    'an import against the arrows': {
      files: { 'src/kernel/k.ts': "import { a } from '../actors/a.ts'\nexport const k = a", 'src/actors/a.ts': 'export const a = 1' },
      rule: 'layer-kernel',
    },
    'a type import against the arrows': {
      files: { 'src/ports/p.ts': "import type { A } from '../kernel/a.ts'\nexport type P = A", 'src/kernel/a.ts': 'export type A = 1' },
      rule: 'layer-ports',
    },
    'an actor that knows a supervisor, be it by type': {
      files: {
        'src/actors/a.ts': "import type { S } from '../supervisors/s.ts'\nexport type A = S",
        'src/supervisors/s.ts': 'export type S = 1',
      },
      rule: 'layer-actors',
    },
    'an engine for embedders that needs what plans need, through others': {
      files: {
        'src/supervision.ts': "export { s } from './supervisors/s.ts'",
        'src/supervisors/s.ts': "import { a } from '../actors/a.ts'\nexport const s = a",
        'src/actors/a.ts': 'export const a = 1',
      },
      rule: 'supervision-is-light',
    },
    'an adapter that knows the kernel': {
      files: {
        'src/adapters/git/g.ts': "import { k } from '../../kernel/k.ts'\nexport const g = k",
        'src/kernel/k.ts': 'export const k = 1',
      },
      rule: 'layer-adapters',
    },
    'a cycle': {
      files: {
        'src/kernel/a.ts': "import { b } from './b.ts'\nexport const a = (): unknown => b",
        'src/kernel/b.ts': "import { a } from './a.ts'\nexport const b = a",
      },
      rule: 'no-cycles',
    },
    'a file that nothing imports and that imports nothing': {
      files: { 'src/kernel/lonely.ts': 'export const lonely = 1' },
      rule: 'no-orphans',
    },
    'an import of nothing': { files: { 'src/kernel/a.ts': "import { b } from './gone.ts'\nexport const a = b" }, rule: 'resolvable' },
    'a directory that is no layer': {
      files: { 'src/helpers/h.ts': "import { f1 } from '../protocols/filler-1.ts'\nexport const h = f1" },
      rule: 'unknown-layer',
    },
    'a test in the product': {
      files: { 'src/kernel/a.ts': "import { b } from '../../test/b.ts'\nexport const a = b", 'test/b.ts': 'export const b = 1' },
      rule: 'src-alone',
    },
  }
  for (const [name, { files, rule }] of Object.entries(violations)) {
    it(`refuse ${name} [Q-5]`, () => {
      const result = check(tree(files))
      expect(result.output).toContain(rule)
      expect(result.status).toBe(1)
    })
  }

  it('fail when they saw next to nothing, instead of passing an empty tree [Q-5]', () => {
    const result = check(tree({}, 3))
    expect(result.output).toContain('too-little-seen')
    expect(result.status).toBe(1)
  })
})
