// The server of the library, as everybody writes it. Nothing is forgotten.
const http = require('http');

const server = http.createServer((request, response) => response.end('hello\n'));
server.listen(0, '127.0.0.1', () => console.log('listening on port', server.address().port));
