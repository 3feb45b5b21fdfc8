// Asks the daemon at the other end of its control socket.
import type { Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { http } from '../system/node-http.ts';
import type { FileListName, FileListView } from '../view/file-list.ts';
import type { HistoryView } from '../view/history-view.ts';
import type { Snapshot } from '../view/snapshot.ts';
import type { Obeyed, Order } from './order.ts';

/** The daemon's answer that it will not do this. The message is one line. */
export class Refusal extends Error {}

/**
 * Each function uses up `connection`. It rejects with a Refusal, with the connection's error, or
 * when the time-out of the connection is over.
 */
export async function fetchSnapshot(connection: Socket): Promise<Snapshot> {
  return (await ask(connection, 'GET', '/status')) as Snapshot;
}

export async function fetchList(
  connection: Socket,
  list: FileListName,
  limit: number,
): Promise<FileListView> {
  return (await ask(connection, 'GET', `/list/${list}?limit=${limit}`)) as FileListView;
}

export async function fetchHistory(connection: Socket, agoMs: number): Promise<HistoryView> {
  return (await ask(connection, 'GET', `/history?agoMs=${agoMs}`)) as HistoryView;
}

export async function giveOrder(connection: Socket, order: Order): Promise<Obeyed> {
  return (await ask(connection, 'POST', '/order', JSON.stringify(order))) as Obeyed;
}

function ask(connection: Socket, method: string, path: string, body?: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const outgoing = http.request({ createConnection: () => connection, method, path, headers }, (answer) => {
      json(answer).then((value) => {
        if (answer.statusCode === 200) resolve(value);
        else reject(new Refusal(String((value as { problem?: unknown }).problem)));
      }, reject);
    });
    // Uses the time-out of the connection, because Node ignores the request's when a connection is
    // given.
    connection.once('timeout', () => outgoing.destroy(new Error('the daemon does not answer')));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
