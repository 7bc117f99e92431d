import { describe, expect, it } from 'vitest'
import { nameOf, withNames } from '../../../src/protocols/plan-parse-names.ts'

describe('nameOf', () => {
  it.each([
    ['npm ci', 'npm-ci'],
    ['npm run test -- --watch', 'npm-run-test'],
    ['  make   docs  ', 'make-docs'],
    ['CI=1 LOG=x npm test', 'npm-test'],
    ['./script/build.sh --fast', 'build.sh'],
    ['go test ./docs/...', 'go-test-docs'],
    ['sh -c "exit 3"', 'sh'],
    ['a | b', 'a'],
    ['echo "hello"', 'echo'],
    ['(cd x && make)', 'cd'],
    ['日本', 'command'],
    ['..', 'command'],
    ['x'.repeat(100), 'x'.repeat(32)],
  ])('%j becomes %j', (run, name) => expect(nameOf(run)).toBe(name))

  it('reads a list as words', () => {
    expect(nameOf(['/usr/bin/node', 'server.js', '--port', '1'])).toBe('node-server.js')
    expect(nameOf(['a b', 'c'])).toBe('a-b')
  })
})

describe('withNames', () => {
  it('counts up where a name is taken, given names first and without regard to case', () => {
    const names = withNames([{ run: 'npm ci' }, { run: 'npm ci' }, { run: 'x', name: 'NPM-ci-2' }, { run: 'npm ci' }]).map(
      ({ name }) => name,
    )
    expect(names).toEqual(['npm-ci', 'npm-ci-3', 'NPM-ci-2', 'npm-ci-4'])
  })
})
