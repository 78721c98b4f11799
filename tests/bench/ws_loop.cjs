// `ws`: sends the same text to every client, as its manual shows.
const { WebSocketServer } = require("ws");
const readline = require("readline");

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false, backlog: 4096 }, () => {
  console.log(server.address().port);
});
server.on("connection", (socket) => socket.on("error", () => {}));

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const space = line.indexOf(" ");
  const rounds = Number(line.slice(0, space));
  const payload = line.slice(space + 1);
  const wall = performance.now(), cpu = cpuSeconds();
  for (let round = 0; round < rounds; round++) {
    for (const client of server.clients) client.send(payload);
    await new Promise(setImmediate);
  }
  console.log((performance.now() - wall) / 1000, cpuSeconds() - cpu);
}).on("close", () => process.exit(0));
