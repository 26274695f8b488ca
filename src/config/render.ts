import { sections, type Variable } from './variables.ts';

const columns = 100;

/** The text of `.env.example`: every variable with what it takes, commented out. */
export function renderEnvExample(): string {
  const intro = comment(
    'Every variable that Skillgate reads, with its default. Made from src/config/variables.ts by `npm run generate`. Each secret also takes NAME_FILE, the path of a file that holds it.',
  );
  const blocks = sections.map(({ title, variables }) =>
    [`# ---- ${title} ----`, ...variables.map(envEntry)].join('\n\n'),
  );
  return `${[intro, ...blocks].join('\n\n')}\n`;
}

function envEntry(variable: Variable): string {
  const takes = `Takes ${variable.kind.takes}.${variable.secret ? ` Or set ${variable.name}_FILE.` : ''}`;
  return `${comment(`${variable.description} ${takes}`)}\n# ${variable.name}=${variable.default ?? ''}`;
}

/** Lines of at most `columns` characters, each a comment of its own. */
function comment(text: string): string {
  const lines: string[] = [];
  for (const word of text.replaceAll('`', '').split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > columns) lines.push(`# ${word}`);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('\n');
}

/** The text of docs/configuration.md: the same as tables, and what holds for all variables. */
export function renderConfigurationPage(): string {
  const tables = sections.map(
    ({ title, variables }) =>
      `## ${title}\n\n| variable | default | takes | |\n|---|---|---|---|\n${variables.map(tableRow).join('\n')}`,
  );
  return `${[introduction, ...tables, skillSecrets].join('\n\n')}\n`;
}

function tableRow({ name, kind, default: fallback, secret, lowerCaseToo, description }: Variable): string {
  const names = [name, ...(secret ? [`${name}_FILE`] : []), ...(lowerCaseToo ? [name.toLowerCase()] : [])];
  const cells = [
    names.map((each) => `\`${each}\``).join('<br>'),
    fallback === undefined ? '' : `\`${fallback}\``,
    kind.takes,
    description,
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

const introduction = `# Configuration

<!-- Made from src/config/variables.ts by \`npm run generate\`. -->

Skillgate reads its configuration from the environment, once, when it starts. A value that does not fit stops it with
exit code 78; every fault is listed with the variable's name, what it takes and what was given. An empty variable counts
as not set.

A secret can be set as \`NAME\`, or as \`NAME_FILE\`: the path of a file that holds it, such as a Kubernetes or Docker
secret. The file is read again within a second or so when it has changed, so that secrets rotate without a restart. A
secret's value is in no message and no log line.`;

const skillSecrets = `## Secrets that skills name

\`auth.token_env\` and \`auth.password_env\` of a skill name a variable of your choice. It takes \`NAME_FILE\` as well. A
skill that names a variable which is not set, or one of those above, is refused when it is loaded.`;
