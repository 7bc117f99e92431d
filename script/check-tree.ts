/**
 * Looks through every tracked file for what must not be in the tree: secrets, paths of one machine, hosts of one
 * registry, and calls that let a text become code. Fails when it cannot look.
 *   node script/check-tree.ts [DIRECTORY]   a git repository; default: this one
 */
import { execFileSync } from 'node:child_process'
import { lstatSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

type Rule = {
  readonly name: string
  readonly pattern: RegExp
  /** Files it looks at. @defaultValue all */
  readonly files?: RegExp
}

const CODE = /\.(ts|js|mjs|cjs)$/
// Patterns that would find themselves here are written so that they do not.
const rules: readonly Rule[] = [
  { name: 'private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/ },
  { name: 'AWS key id', pattern: /\b(AKIA|ASIA)[0-9A-Z]{16}\b/ },
  { name: 'GitHub token', pattern: /\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{50})/ },
  { name: 'npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b|_auth(Token)?\s*=\s*\S/ },
  { name: 'API key', pattern: /\b(sk-(ant-|proj-)?[A-Za-z0-9_-]{32}|xox[abposr]-[A-Za-z0-9-]{10}|AIza[0-9A-Za-z_-]{35})/ },
  { name: 'password in a URL', pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@'"`$<>{}]+:[^\s/:@'"`$<>{}]+@/ },
  { name: 'path of one machine', pattern: /(?<![\w.~$}/-])\/(work|root|home\/[a-z][\w-]*|Users\/[a-z][\w-]*)\/[\w.-]/i },
  { name: 'host of a registry', pattern: /"resolved":\s*"https?:|^\s*(@[\w-]+:)?registry\s*=/m },
  { name: 'eval', pattern: /(?<![\w.'"`])eval\(|new Function\(/, files: CODE },
  { name: 'shell: true', pattern: /\bshell:\s*true\b/, files: CODE },
  { name: 'text run by a shell', pattern: /(?<![\w.])(exec|execSync)\(\s*[`'"]/, files: CODE },
  { name: 'text run by a shell', pattern: /['"](-c|-lc)['"],\s*`[^`]*\$\{/, files: /^(src|bin)\/.*\.(ts|js)$/ },
  { name: 'TLS checks off', pattern: /rejectUnauthorized:\s*false|NODE_TLS_REJECT_UNAUTHORIZED/, files: CODE },
]

const MINE = /^(script\/check-tree\.ts|test\/unit\/tooling\/)/
const directory = resolve(process.argv[2] ?? join(import.meta.dirname, '..'))
const tracked = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: directory,
  encoding: 'utf8',
  maxBuffer: 1 << 28,
})
const files = tracked.split('\0').filter((file) => file !== '')
if (files.length === 0) {
  console.error('error: git lists no files, so nothing was looked at')
  process.exit(1)
}

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length
let seen = 0
let found = 0
for (const file of files) {
  const path = join(directory, file)
  const kind = lstatSync(path, { throwIfNoEntry: false })
  if (kind === undefined || !kind.isFile()) continue
  const text = readFileSync(path, 'latin1')
  seen += 1
  if (MINE.test(file)) continue
  for (const rule of rules) {
    if (rule.files !== undefined && !rule.files.test(file)) continue
    const match = rule.pattern.exec(text)
    if (match === null) continue
    found += 1
    console.error(`error ${file}:${lineOf(text, match.index)}: ${rule.name}`)
  }
}
console.log(`${seen} files looked at, ${found} findings`)
process.exitCode = found > 0 || seen === 0 ? 1 : 0
