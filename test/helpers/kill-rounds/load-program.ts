import { Broken, type SeenOutput } from './seen-output.ts'

/**
 * Counts under load, and echoes each line of input exactly. Every line that it puts out can be checked by itself.
 * @param burst lines at once, 20 times a second
 * @param isStubborn leaves a process in a session of its own that ignores SIGHUP and SIGTERM
 */
export const loadProgram = (burst: number, isStubborn: boolean): string => `stty -echo
${isStubborn ? `(trap '' HUP TERM; exec setsid sleep 1000 </dev/null >/dev/null 2>&1) &` : ''}
(n=0; while :; do j=0; while [ $j -lt ${burst} ]; do n=$((n + 1)); j=$((j + 1)); printf 'n%d %0*d\\n' $n $((n % 37 + 1)) 0; done; sleep 0.05; done) &
echo ready
while IFS= read -r x; do
  case $x in
    exit\\ *) echo "bye $x"; exit "\${x#exit }" ;;
    size\\ *) echo "got $x:$(stty size)" ;;
    *) echo "got $x" ;;
  esac
done`

/** What one program has said, read line by line as it comes. */
export class Sayings {
  readonly #what: string
  readonly #seen: SeenOutput
  #at = 0
  #count: number | null = 0
  /** How often each input was echoed. */
  readonly #echoes = new Map<string, number>()
  readonly sizes: Map<string, string> = new Map()
  hasMissed = false

  constructor(what: string, seen: SeenOutput) {
    this.#what = what
    this.#seen = seen
  }

  has(input: string): boolean {
    return this.#echoes.has(input)
  }

  /** @throws Broken for a line that the program did not say, a number left out or said twice, an input applied twice */
  read(): void {
    for (const { text, at, next } of this.#seen.lines(this.#at)) {
      if (at !== this.#at) {
        this.hasMissed = true
        this.#count = null
      }
      this.#at = next
      this.#line(text, at)
    }
  }

  #line(text: string, at: number): void {
    const [, number, zeros] = /^n(\d+) (0+)\r$/u.exec(text) ?? []
    if (number !== undefined && zeros !== undefined) {
      const count = Number(number)
      if (zeros.length !== (count % 37) + 1) throw this.#broken(`a line is not what was put out: ${JSON.stringify(text)}`, at)
      if (this.#count !== null && count !== this.#count + 1) throw this.#broken(`after ${this.#count} comes ${count}`, at)
      this.#count = count
      return
    }
    const [, input, size] = /^(?:got|bye) ([^:]*)(?::(\d+ \d+))?\r$/u.exec(text) ?? []
    if (input !== undefined) {
      const times = (this.#echoes.get(input) ?? 0) + 1
      if (times > 1) throw this.#broken(`input "${input}" was applied ${times} times`, at)
      this.#echoes.set(input, times)
      if (size !== undefined) this.sizes.set(input, size)
    } else if (text !== 'ready\r') throw this.#broken(`nobody put out ${JSON.stringify(text)}`, at)
  }

  #broken(what: string, at: number): Broken {
    return new Broken(`${this.#what}: ${what} (at ${at})`)
  }
}
