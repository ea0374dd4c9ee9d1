// Answers each piece of data; a connection may stay as long as its client likes, as a websocket does.
const net = require("net");
const server = net.createServer((socket) => {
  socket.on("data", () => socket.write("k"));
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", () => console.log(`listening on ${server.address().port},`));
