import type { AgentSkill, ExportedFile } from '../contracts/exports.ts';
import { codeSpan } from './markdown-table.ts';

const name = 'skillgate';
const description = 'Local models as skills and as MCP tools, through a Skillgate gateway.';

/**
 * The files of a Claude Code plugin: the skills, and the gateway's MCP server. The folder is also a marketplace of this
 * one plugin, so that it can be installed from where it lies.
 *
 * @param gatewayUrl where the gateway is unless SKILLGATE_URL says otherwise
 * @param version of the gateway
 */
export function toPlugin(
  skills: readonly AgentSkill[],
  gatewayUrl: string,
  version: string,
): readonly ExportedFile[] {
  return [
    json('.claude-plugin/plugin.json', { name, version, description, author: { name: 'Skillgate' } }),
    json('.claude-plugin/marketplace.json', {
      name,
      owner: { name: 'Skillgate' },
      metadata: { description },
      plugins: [{ name, source: './', description }],
    }),
    json('.mcp.json', {
      mcpServers: {
        [name]: {
          type: 'http',
          url: `\${SKILLGATE_URL:-${gatewayUrl}}/mcp`,
          headers: { Authorization: `Bearer \${SKILLGATE_API_KEY:-none}` },
        },
      },
    }),
    { path: 'README.md', text: readme(skills, gatewayUrl), isExecutable: false },
    ...skills.flatMap((skill) =>
      skill.files.map((file) => ({ ...file, path: `skills/${skill.name}/${file.path}` })),
    ),
  ];
}

function json(path: string, value: object): ExportedFile {
  return { path, text: `${JSON.stringify(value, undefined, 2)}\n`, isExecutable: false };
}

function readme(skills: readonly AgentSkill[], gatewayUrl: string): string {
  return `# Skillgate

${description} The plugin was written by \`skillgate export\`.

Skills: ${skills.map((skill) => codeSpan(skill.name)).join(', ')}. Each has a script that needs sh and curl; the same models
are tools of the MCP server \`${name}\`.

The gateway is expected at ${codeSpan(gatewayUrl)}. The environment variable \`SKILLGATE_URL\` names another place, and
\`SKILLGATE_API_KEY\` is the key where the gateway asks for one.

To try it: \`claude --plugin-dir FOLDER\`. To install it: \`claude plugin marketplace add FOLDER\`, then
\`claude plugin install ${name}@${name}\`.
`;
}
