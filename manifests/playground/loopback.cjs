// Keep the Playground on this machine: loaded with `node --require` before it starts.
// It listens on every network interface and has no option for that, so anybody in the same
// network could speak to the bot as one of the demo people.
const { Server } = require("node:net");

const listen = Server.prototype.listen;

Server.prototype.listen = function listenOnLoopback(port, ...rest) {
  if (typeof port === "number" && typeof rest[0] !== "string") {
    return listen.call(this, port, "127.0.0.1", ...rest);
  }
  return listen.call(this, port, ...rest);
};
