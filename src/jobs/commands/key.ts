import { Command, InvalidArgumentError, Option } from 'commander'
import { createKey, isKeyName, parseScopes, SCOPES, type Scope } from '../../access/keys.ts'
import type { RunJob } from '../run/runner.ts'
import { withJson } from './options.ts'

const DETAILS = `
The key goes to the caller, the line to the file that API_KEYS_FILE names. The key is not kept: whoever loses it gets a
new one. To rotate, add a line of the same name, give the new key out, and remove the old line when it is no longer used;
the service reads the file again within seconds.

Example:
  prerank key new --name search-backend --scope prerank,engagements`

type KeyOptions = { name: string; scope: Scope[]; json?: boolean }

export function keyCommand(run: RunJob): Command {
  const create = new Command('new')
    .description('a new key, and its line for the file of the service')
    .requiredOption('-n, --name <name>', 'of the caller: in logs and in the rate limit', parseName)
    .addOption(
      new Option('-s, --scope <scopes>', `${SCOPES.join(', ')}, separated by commas`)
        .argParser(parseScope)
        .makeOptionMandatory(),
    )
    .addHelpText('after', DETAILS)
    .action((options: KeyOptions) =>
      run(options, async () => {
        const { name, scope: scopes } = options
        const { key, line } = createKey({ name, scopes })
        return { summary: { name, scopes, key, line }, text: `key   ${key}\nline  ${line}` }
      }),
    )
  return new Command('key').description('API keys').addCommand(withJson(create))
}

function parseName(name: string): string {
  if (!isKeyName(name)) throw new InvalidArgumentError('Expected up to 64 letters, digits, ".", "_" and "-".')
  return name
}

function parseScope(text: string): Scope[] {
  const scopes = parseScopes(text)
  if (!scopes) throw new InvalidArgumentError(`Expected some of ${SCOPES.join(',')}.`)
  return scopes
}
