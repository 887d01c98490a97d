// dockerode: a container's life, its streams apart from each other, an exec, and what is not there.
const assert = require('assert');
const { PassThrough } = require('stream');
const Docker = require('dockerode');

async function main() {
  const docker = new Docker({ socketPath: process.env.DOCKER_HOST.replace('unix://', '') });
  const kept = () => { const s = new PassThrough(); const all = []; s.on('data', (d) => all.push(d)); s.text = () => Buffer.concat(all).toString(); return s; };
  const [out, err] = [kept(), kept()];
  const options = { Tty: false, HostConfig: { NetworkMode: 'none', AutoRemove: false } };
  const [result, container] = await docker.run('busybox', ['sh', '-c', 'echo out; echo err >&2; exit 4'], [out, err], options);
  assert.strictEqual(result.StatusCode, 4);
  assert.strictEqual(out.text(), 'out\n');
  assert.strictEqual(err.text(), 'err\n');
  await container.remove();
  const box = await docker.createContainer({ Image: 'busybox', Cmd: ['sleep', '60'], HostConfig: { NetworkMode: 'none' } });
  await box.start();
  const exec = await box.exec({ Cmd: ['echo', 'inside'], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  const said = kept();
  docker.modem.demuxStream(stream, said, said);
  await new Promise((done) => stream.on('end', done));
  assert.strictEqual(said.text(), 'inside\n');
  assert.strictEqual((await exec.inspect()).ExitCode, 0);
  await box.remove({ force: true });
  await assert.rejects(docker.getContainer('nosuch').inspect(), (e) => e.statusCode === 404);
  assert.deepStrictEqual(await docker.listContainers({ all: true }), []);
}
main().then(() => console.log('dockerode: ok'), (e) => { console.error(e); process.exit(1); });
