import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeGit } from './git-repo.ts'

/** Which git command, by a part of its arguments, and when of it. During: it does a part of its work and dies too. */
export type KillPoint = { readonly command: string; readonly when: 'before' | 'during' | 'after'; readonly nth?: number }

export type KillingGit = {
  /** To be put before the PATH of the process that is to die. */
  readonly directory: string
  /** Whether the point was reached. */
  hit(): boolean
}

/** What of its work a command has done when it dies half-way. */
const HALF: Readonly<Record<string, string>> = {
  // the last argument is the worktree
  'worktree remove': 'for last; do :; done; rm -rf "$last/.git" "$last/file-1.txt" "$last/deep"',
  'worktree add': '"$REAL" "$@"; for path; do case $path in /*) rm -f "$path/.git";; esac; done',
  'cat-file --batch': '"$REAL" "$@" | { dd bs=1 count=400 2>/dev/null; kill -9 $PPID; }',
  'fast-import': '"$REAL" "$@" < /dev/null',
}

/** A git that kills who calls it, as `kill -9` does, at one point. Any process may have it on its PATH. */
export const makeKillingGit = async ({ command, when, nth = 1 }: KillPoint): Promise<KillingGit> => {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-killing-git-'))
  const calls = join(directory, 'calls')
  const hit = join(directory, 'hit')
  const kill = `echo > '${hit}'; kill -9 $PPID`
  const script = [
    `case "$*" in *'${command}'*) echo >> '${calls}';; *) exec "$REAL" "$@";; esac`,
    `[ "$(wc -l < '${calls}')" -eq ${nth} ] || exec "$REAL" "$@"`,
    ...(when === 'before' ? [`${kill}; exit 1`] : []),
    ...(when === 'during' ? [`echo > '${hit}'; ${HALF[command] ?? ':'}; ${kill}; exit 1`] : []),
    `"$REAL" "$@"; code=$?; ${kill}; exit $code`,
  ]
  await writeGit(join(directory, 'bin'), script)
  return {
    directory: join(directory, 'bin'),
    hit: () => existsSync(hit),
  }
}
