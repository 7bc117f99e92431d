import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

const script = resolve(import.meta.dirname, '../../../script/check-tree.ts')
const made: string[] = []

const repository = (files: Readonly<Record<string, string>>): string => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-tree-'))
  made.push(directory)
  execFileSync('git', ['init', '--quiet', directory])
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, file)), { recursive: true })
    writeFileSync(join(directory, file), text)
  }
  return directory
}

const check = (directory: string): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, directory], { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

describe('tree check', () => {
  it('passes harmless files, paths relative or of every machine included [Q-5]', () => {
    const result = check(
      repository({
        'a.ts': "import { execFile } from 'node:child_process'\nexecFile('/bin/sh', ['-c', 'exit 0'])\nconst home = `${dir}/work/x`\n",
        'b.md': 'See https://example.com/home/page and ~/.local/state and $HOME/x and /tmp/y.\n',
      }),
    )
    expect(result.output).toContain('2 files looked at, 0 findings')
    expect(result.status).toBe(0)
  })

  const planted: Readonly<Record<string, [file: string, text: string]>> = {
    'a private key': ['key.txt', '-----BEGIN OPENSSH PRIVATE KEY-----\n'],
    'an AWS key id': ['a.env', 'KEY=AKIAIOSFODNN7EXAMPLE\n'],
    'a GitHub token': ['a.yaml', `token: ghp_${'a1'.repeat(18)}\n`],
    'a password in a URL': ['a.md', 'redis://user:secret@host\n'],
    'a path of one machine': ['a.ts', "const path = '/home/ann/project'\n"],
    'a path of root': ['a.sh', 'cd /root/project\n'],
    'a host of a registry': ['package-lock.json', '{ "resolved": "https://registry.example/x.tgz" }\n'],
    eval: ['src/a.ts', 'eval(text)\n'],
    'a function made from text': ['src/a.ts', 'new Function(text)\n'],
    'shell: true': ['src/a.ts', "spawn('ls', { shell: true })\n"],
    'a text run by a shell': ['src/a.ts', 'execSync(`ls ${name}`)\n'],
    'untrusted text in sh -c': ['src/a.ts', "spawn('/bin/sh', ['-c', `ls ${name}`])\n"],
  }
  for (const [name, [file, text]] of Object.entries(planted)) {
    it(`finds ${name} [Q-5]`, () => {
      const result = check(repository({ 'ok.txt': 'ok\n', [file]: `first line\n${text}` }))
      expect(result.output).toContain(`error ${file}:2: `)
      expect(result.status).toBe(1)
    })
  }

  it('fails when there is nothing to look at [Q-5]', () => {
    expect(check(repository({})).status).toBe(1)
  })

  it('fails where git cannot list the files [Q-5]', () => {
    const directory = mkdtempSync(join(tmpdir(), 'signalbox-tree-'))
    made.push(directory)
    expect(check(directory).status).not.toBe(0)
  })
})
