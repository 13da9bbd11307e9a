/** What is wrong with a bundle: every problem at once, each with where it is, what was found and what was expected. */

export type Problem = { path: string; found: string; expected: string }

export class BundleError extends Error {
  readonly problems: Problem[]

  constructor(where: string, problems: Problem[]) {
    const lines = problems.map(({ path, found, expected }) => `  ${path}: found ${found}, expected ${expected}`)
    super(`${where}: ${problems.length} problem${problems.length === 1 ? '' : 's'}\n${lines.join('\n')}`)
    this.name = 'BundleError'
    this.problems = problems
  }
}

export function refuseProblems(where: string, problems: Problem[]): void {
  if (problems.length > 0) throw new BundleError(where, problems)
}
