// allowHalfOpen leaves our half to us. For "/leak" the EOF comes, and end() is never called.
const net = require('net');

const kept = [];

function onConnection(socket) {
  let leak = false;
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    leak = leak || data.includes('/leak');
    socket.write('HTTP/1.0 200 OK\r\n\r\nhello\n');
  });
  socket.on('end', () => {
    if (leak) kept.push(socket);
    else socket.end();
  });
}

function openListener() {
  const server = net.createServer({ allowHalfOpen: true }, onConnection);
  server.listen(0, () => console.log('listening on port', server.address().port));
}

openListener();
