import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'undici';

const PROGRAM = `require('node:http').createServer((_, answer) => answer.end('{"status":"ok"}')).listen(0, '127.0.0.1', function () { console.log(this.address().port); })`;

/** A process that answers and does nothing else: what it takes is what the machine takes at the moment. */
export async function startIdleServer(): Promise<{ ask(): Promise<void>; stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const dispatcher = new Agent({ connections: 1 });
  return {
    async ask() {
      const answer = await request(`http://127.0.0.1:${Number(port.toString())}`, { dispatcher });
      await answer.body.text();
    },
    async stop() {
      await dispatcher.destroy();
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
