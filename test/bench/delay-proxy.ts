// Gives the far side a round-trip time, for kernels without netem: a TCP proxy that holds every byte for half of
// it each way, and a new connection's first byte for one more, as the handshake would. It delays in a pipeline, so
// throughput stays. What it cannot show: the senders' kernels still see acknowledgements at once, so congestion
// control behaves as on a short path.
//   delay-proxy.ts ROUND_TRIP_MS LISTEN_PORT SERVER_PORT
import { connect, createServer, type Socket } from 'node:net';

const [roundTripMs = 0, listenPort = 0, serverPort = 0] = process.argv.slice(2).map(Number);
/** Held back each way at most: 400 Mbit/s for 200 ms is 10 MB. */
const IN_FLIGHT_BYTES = 16 * 1024 * 1024;

createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const server = connect({ port: serverPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const establishedMs = performance.now() + roundTripMs;
  delay(client, server, establishedMs);
  delay(server, client, establishedMs);
}).listen(listenPort, () => console.log('listening'));

interface Held {
  readonly dueMs: number;
  /** Undefined is the end of the stream. */
  readonly bytes: Buffer | undefined;
}

/** Passes everything from `source` on to `sink`, half a round trip after it came, nothing before `earliestMs`. */
function delay(source: Socket, sink: Socket, earliestMs: number): void {
  const queue: Held[] = [];
  let heldBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const hold = (bytes: Buffer | undefined) => {
    queue.push({ dueMs: Math.max(performance.now(), earliestMs) + roundTripMs / 2, bytes });
    heldBytes += bytes?.length ?? 0;
    if (heldBytes > IN_FLIGHT_BYTES) source.pause();
    timer ??= setTimeout(release, roundTripMs / 2);
  };
  const release = () => {
    timer = undefined;
    for (let head = queue[0]; head !== undefined; head = queue[0]) {
      const waitMs = head.dueMs - performance.now();
      if (waitMs > 0.5) {
        timer = setTimeout(release, waitMs);
        break;
      }
      queue.shift();
      heldBytes -= head.bytes?.length ?? 0;
      if (head.bytes === undefined) sink.end();
      else sink.write(head.bytes);
    }
    if (heldBytes <= IN_FLIGHT_BYTES) source.resume();
  };
  source.on('data', hold);
  source.on('end', () => hold(undefined));
  // a reset on one side is a reset on the other
  source.on('error', () => sink.destroy());
  source.on('close', () => source.errored !== null && clearTimeout(timer));
}
