// SPDX-License-Identifier: MIT
// Programs whose reports the tests read: a row each, with what is done to the program.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { BUILD, SOCKLINT, SOURCE, need, run, sleep, start } from './tools.mjs';

// What was touched within the last second before a signal is too young to be judged.
const GRACE_MS = 1300;

function follow(dir, command) {
	return start(SOCKLINT, ['run', '--dir', dir, '--format=text:/dev/null', '--error-exitcode=0',
		'--', ...command]);
}

async function finish(followed) {
	const { status } = await followed.ended;

	if (status !== 0 && status !== 143)
		throw new Error(`exit status ${status}:\n${followed.output}`);
}

/** A connection that says something, reads an answer, and closes or stays. */
function converse(port, request, { stay = false } = {}) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(port, '127.0.0.1', () => socket.write(request));

		socket.setTimeout(10_000, () => socket.destroy(new Error('no answer')));
		socket.on('error', reject);
		socket.once('data', () => {
			if (!stay)
				socket.end();
			socket.setTimeout(0);
			socket.on('error', () => {});
			resolve(socket);
		});
	});
}

/* ---- examples: each says in its first comment which clients come, and how it ends ---- */

function specification(name) {
	const source = fs.readFileSync(path.join(SOURCE, 'examples', `${name}.c`), 'utf8');
	const comment = source.slice(0, source.indexOf('*/'));
	const value = (key) => new RegExp(`^ \\* ${key}: *(.*)$`, 'm').exec(comment)?.[1];
	const clients = value('clients');

	return clients && {
		clients: clients === 'none' ? [] : clients.split(',').map((part) => {
			const [count, mode] = part.trim().split(' ');
			return `${mode}=${count}`;
		}),
		endsItself: value('stop') === 'itself',
	};
}

function exampleNames() {
	return fs.readdirSync(path.join(SOURCE, 'examples'))
		.filter((file) => file.endsWith('.c')).map((file) => file.slice(0, -2))
		.filter(specification);
}

async function recordExample(name, dir) {
	const { clients, endsItself } = specification(name);
	const server = follow(dir, [path.join(BUILD, 'examples', name), '0']);
	let client;

	if (clients.length) {
		const [, port] = await server.said(/^listening on 127\.0\.0\.1:(\d+)$/m);
		client = start(path.join(BUILD, 'examples/client'), [port, ...clients]);
		await client.said(/^done$/m);
	}
	if (!endsItself) {
		await sleep(GRACE_MS);
		server.child.kill('SIGTERM');
	}
	await finish(server);
	client?.child.stdin.end();
	await client?.ended;
}

/* ---- real programs ---- */

async function recordPython(dir) {
	const server = follow(dir, [need('python3'), path.join(SOURCE, 'tests/leaky.py')]);
	const [, port] = await server.said(/^listening on port (\d+)$/m);

	for (const page of ['/', '/leak', '/', '/leak', '/leak', '/', '/', '/'])
		await converse(port, `GET ${page} HTTP/1.0\r\n\r\n`);
	await sleep(GRACE_MS);
	server.child.kill('SIGTERM');
	await finish(server);
}

async function freePort() {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();

	await new Promise((resolve) => server.close(resolve));
	return port;
}

async function untilListening(port) {
	for (let tries = 0; tries < 300; tries++) {
		const there = await converse(port, 'GET / HTTP/1.0\r\n\r\n').catch(() => null);

		if (there)
			return;
		await sleep(50);
	}
	throw new Error(`nobody listens on port ${port}`);
}

async function recordNginx(dir) {
	const port = await freePort();
	const home = `${dir}.home`;
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
		.map((what) => `${what}_temp_path ${home}/${what};`).join(' ');

	fs.mkdirSync(home, { recursive: true });
	fs.writeFileSync(path.join(home, 'conf'), `daemon off; worker_processes 2; pid ${home}/pid;
		error_log ${home}/error.log; events { worker_connections 64; }
		http { access_log off; ${temporary}
		server { listen 127.0.0.1:${port}; location / { return 200 'hello\\n'; } } }\n`);
	const server = follow(dir, [need('nginx'), '-p', home, '-c', `${home}/conf`]);
	await untilListening(port);
	for (let i = 0; i < 30; i++)
		await converse(port, 'GET / HTTP/1.0\r\n\r\n');
	const stay = await Promise.all([1, 2, 3].map(() => converse(
		port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', { stay: true })));
	await sleep(GRACE_MS);
	process.kill(Number(fs.readFileSync(`${home}/pid`, 'utf8')), 'SIGTERM');
	await finish(server);
	stay.forEach((socket) => socket.destroy());
}

/* ---- what nobody should trust ---- */

/** Names that try to get out of every kind of quoting, as the kernel lets a file have them. */
export const HOSTILE_PROGRAM = Buffer.concat([
	Buffer.from('</script><script>alert(1)</script>'.replaceAll('/', '\u2215')),
	Buffer.from(`<img src=x onerror=alert(2)>"'&\`|%0A::error::[a](b) \u202egnp.exe`),
	Buffer.from([0xff, 0xc0, 0x80]),
]);

async function recordHostile(dir) {
	const home = `${dir}.home`;
	const program = Buffer.concat([Buffer.from(`${home}/`), HOSTILE_PROGRAM]);

	fs.mkdirSync(home, { recursive: true });
	fs.copyFileSync(path.join(BUILD, 'tests/hostile'), program);
	fs.chmodSync(program, 0o755);
	// No argument of node's can hold such bytes: the shell finds the name itself.
	const done = run('bash', ['-c', '"$1" run --dir "$2" --format=text:/dev/null '
		+ '--error-exitcode=0 -- "$3"/*script* "$4"', 'bash', SOCKLINT, dir, home,
		'</script><script>alert(3)</script>" onload="alert(4)\n::error::five'], { timeout: 60_000 });
	if (done.status !== 0)
		throw new Error(`exit status ${done.status}:\n${done.out}${done.err}`);
}

async function recordSilent(dir) {
	await finish(follow(dir, ['true']));
}

/** name, and what to read for it: recordings of its own, or those of others. */
export const recordings = [
	...exampleNames().map((name) => ({ name, record: (dir) => recordExample(name, dir) })),
	{ name: 'python', record: recordPython },
	{ name: 'nginx', record: recordNginx },
	{ name: 'silent', record: recordSilent },
	{ name: 'hostile', record: recordHostile },
	{ name: 'many', of: exampleNames().filter((name) => name !== 'correct') },
];
