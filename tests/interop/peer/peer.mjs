// A libzmq program for the interop tests: npm zeromq in a Node process of its
// own, told what to do by lines of JSON on standard input.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";

// Not imported: it is Node's alone, and Deno checks what is imported.
const zmq = createRequire(import.meta.url)("zeromq");

const context = new zmq.Context();
const sockets = new Map();
let nextSocket = 1;

/** Bytes that depend on size and seed only; content.ts makes the same. */
function patternBytes(size, seed) {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = (Math.imul(seed, 2654435761) + 1) >>> 0 || 1;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

function encode(part) {
  if (typeof part === "string") return Buffer.from(part);
  if (part.hex !== undefined) return Buffer.from(part.hex, "hex");
  return patternBytes(part.size, part.seed);
}

function describe(part) {
  if (part.length <= 512) return { hex: Buffer.from(part).toString("hex") };
  const hash = createHash("sha256").update(part).digest("hex");
  return { size: part.length, hash };
}

function numbered(number, size) {
  const body = new Uint8Array(size).fill(number & 0xff);
  new DataView(body.buffer).setUint32(0, number, true);
  return body;
}

function checkNumbered(body, number, size) {
  if (body.length !== size) {
    throw new Error(`message ${number} has ${body.length} bytes, not ${size}`);
  }
  const found = body.readUInt32LE(0);
  if (found !== number) throw new Error(`got ${found} instead of ${number}`);
  if (size > 4 && body[size - 1] !== (number & 0xff)) {
    throw new Error(`message ${number} has a wrong last byte`);
  }
}

function socketOf(request) {
  const socket = sockets.get(request.socket);
  if (socket === undefined) throw new Error(`no socket ${request.socket}`);
  return socket;
}

const operations = {
  open({ type, options }) {
    const socket = new zmq[type]({ linger: 0, ...options, context });
    for (const name of ["sendTimeout", "receiveTimeout"]) {
      if (name in socket && !(options && name in options)) {
        socket[name] = 20_000;
      }
    }
    const id = nextSocket++;
    sockets.set(id, socket);
    return id;
  },
  async bind(request) {
    const socket = socketOf(request);
    await socket.bind(request.address);
    return socket.lastEndpoint;
  },
  async unbind(request) {
    await socketOf(request).unbind(request.address);
  },
  connect(request) {
    const socket = socketOf(request);
    if (request.routingId === undefined) socket.connect(request.address);
    else socket.connect(request.address, { routingId: request.routingId });
  },
  disconnect(request) {
    socketOf(request).disconnect(request.address);
  },
  set(request) {
    Object.assign(socketOf(request), request.options);
  },
  get(request) {
    return socketOf(request)[request.name];
  },
  subscribe(request) {
    socketOf(request).subscribe(...request.topics);
  },
  unsubscribe(request) {
    socketOf(request).unsubscribe(...request.topics);
  },
  async send(request) {
    await socketOf(request).send(request.parts.map(encode));
  },
  async receive(request) {
    return (await socketOf(request).receive()).map(describe);
  },
  async sendNumbered(request) {
    const socket = socketOf(request);
    const prefix = (request.prefix ?? []).map(encode);
    for (let n = 0; n < request.count; n += 1) {
      const body = numbered(request.from + n, request.size);
      await socket.send(prefix.length === 0 ? body : [...prefix, body]);
    }
  },
  async receiveNumbered(request) {
    const socket = socketOf(request);
    const partCount = (request.prefixCount ?? 0) + 1;
    for (let n = 0; n < request.count; n += 1) {
      const parts = await socket.receive();
      if (parts.length !== partCount) {
        throw new Error(`message ${n} has ${parts.length} parts`);
      }
      checkNumbered(parts[partCount - 1], request.from + n, request.size);
    }
    return request.count;
  },
  async echo(request) {
    const socket = socketOf(request);
    for (let n = 0; n < request.count; n += 1) {
      await socket.send(await socket.receive());
    }
  },
  /** Sends until the socket says EAGAIN; the number that went. */
  async fill(request) {
    const socket = socketOf(request);
    socket.sendTimeout = request.patience;
    for (let n = 0; n < request.limit; n += 1) {
      try {
        await socket.send(numbered(request.from + n, request.size));
      } catch (error) {
        if (error.code === "EAGAIN") return n;
        throw error;
      }
    }
    return request.limit;
  },
  close(request) {
    socketOf(request).close();
    sockets.delete(request.socket);
  },
};

async function serve(line) {
  const request = JSON.parse(line);
  const reply = { id: request.id };
  try {
    reply.value = (await operations[request.op](request)) ?? null;
  } catch (error) {
    reply.error = { code: error.code ?? "ERROR", message: error.message };
  }
  process.stdout.write(JSON.stringify(reply) + "\n");
}

const lines = createInterface({ input: process.stdin });
lines.on("line", serve);
// The test has gone: nothing may keep this process.
lines.on("close", () => process.exit(0));
