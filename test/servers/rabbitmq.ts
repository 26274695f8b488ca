import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findProgram, runProgram } from './debian.ts';
import { findServer } from './installed.ts';
import { unusedPort } from './listen.ts';
import { type Server, startServer } from './server.ts';
import { type ServerCommand, startServerProcess } from './server-process.ts';

export interface RabbitServer extends Server {
  /** amqp://guest:guest@127.0.0.1:PORT */
  readonly url: string;
}

const image = 'rabbitmq:4';

/** The header of AMQP 0-9-1 (section 4.2.2 of its specification); the broker answers with a frame, once it is at work. */
const greeting = 'AMQP\0\0\x09\x01';

/**
 * Starts a real RabbitMQ with nothing in it on a free port, without plugins: `rabbitmq-server` from the PATH, else from
 * Debian's packages, else from Docker. It takes about four seconds.
 *
 * @throws Error where none of the three is to be had
 */
export async function startRabbit(): Promise<RabbitServer> {
  const found = await findServer({ program: 'rabbitmq-server', debianPackage: 'rabbitmq-server', image });
  const folder = await mkdtemp(join(tmpdir(), 'skillgate-rabbitmq-'));
  const port = await unusedPort();
  const server =
    found === 'image'
      ? await inContainer(folder, port)
      : await installed(await withoutWrapper(found.program), folder, port);
  return { ...server, url: `amqp://guest:guest@127.0.0.1:${port}` };
}

/** Debian's program on the PATH becomes another user, who may not write to our folder; the one behind it does not. */
async function withoutWrapper(program: string): Promise<string> {
  const behind = '/usr/lib/rabbitmq/bin/rabbitmq-server';
  return access(behind).then(
    () => behind,
    () => program,
  );
}

/** A broker whose files are all in a folder, and whose ports are all its own: several run side by side. */
async function installed(program: string, folder: string, port: number): Promise<Server> {
  const epmd = await startNameServer();
  const env = {
    PATH: process.env.PATH,
    // The cookie of Erlang's nodes is kept here.
    HOME: folder,
    ERL_EPMD_PORT: `${epmd.port}`,
    RABBITMQ_NODENAME: `skillgate-${port}@localhost`,
    RABBITMQ_DIST_PORT: `${await unusedPort()}`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    // Keeps the script from staying between us and the broker: signals reach the broker itself.
    RUNNING_UNDER_SYSTEMD: 'true',
  };
  await writeFile(env.RABBITMQ_CONFIG_FILE, `listeners.tcp.local = 127.0.0.1:${port}\n`);
  await writeFile(env.RABBITMQ_ENABLED_PLUGINS_FILE, '[].\n');
  return startServer(
    port,
    () => startServerProcess({ program, args: [], env, port, greeting }),
    async () => {
      await epmd.close();
      await rm(folder, { recursive: true });
    },
  );
}

/** Erlang's name server, of one broker alone: the one that Erlang would start stays behind. */
async function startNameServer(): Promise<Server> {
  const program = await findProgram('epmd');
  if (program === undefined) throw new Error('There is no epmd, which comes with Erlang.');
  const port = await unusedPort();
  const args = ['-port', `${port}`, '-address', '127.0.0.1'];
  // NAMES_REQ of its protocol.
  const command: ServerCommand = { program, args, port, greeting: '\0\x01n' };
  return startServer(
    port,
    () => startServerProcess(command),
    () => Promise.resolve(),
  );
}

/** The volume outlives the container, and the name of the host is part of what is in it. */
async function inContainer(folder: string, port: number): Promise<Server> {
  const name = basename(folder);
  const args = ['run', '--rm', '--name', name, '--hostname', 'rabbitmq'];
  args.push('--publish', `127.0.0.1:${port}:5672`, '--volume', `${name}:/var/lib/rabbitmq`, image);
  return startServer(
    port,
    () => startServerProcess({ program: 'docker', args, container: name, port, greeting }),
    async () => {
      await runProgram('docker', ['volume', 'rm', name]);
      await rm(folder, { recursive: true });
    },
  );
}
