// SPDX-License-Identifier: MIT
// A Node server as its manual has it; SIGTERM closes it, as with most that run in containers.
const http = require('http');
const server = http.createServer((request, response) => {
	if (request.url === '/proxied') {
		http.get({ port: server.address().port, path: '/', agent: false }, (inner) => {
			response.writeHead(inner.statusCode, { 'Content-Length': 6 });
			inner.pipe(response);
		}).on('error', () => response.destroy());
		return;
	}
	response.writeHead(200, { 'Content-Length': 6 });
	response.end('hello\n');
});
server.on('error', (error) => { throw error; });
server.listen(Number(process.argv[2]), '127.0.0.1');
if (process.argv[3] === 'handler')
	process.on('SIGTERM', () => {
		server.close(() => console.log('closed'));
		server.closeAllConnections();
	});
