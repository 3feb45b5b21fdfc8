// `halfpipe list`: which files wait, are sent, are stuck, or were handled last.
import { fetchList } from '../control/control-client.ts';
import { systemClock } from '../system/clock.ts';
import { FILE_LISTS, type FileListName } from '../view/file-list.ts';
import { fileListText } from '../view/file-list-text.ts';
import { type AskContext, askDaemon } from './ask-daemon.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { findSpoolPath } from './one-setting.ts';

export interface ListRequest {
  /** One of FILE_LISTS. Undefined: every list that concerns an operator. */
  readonly list: string | undefined;
  readonly asJson: boolean;
  /** How many files of each list [20; as JSON 1,000]. */
  readonly limit: number | undefined;
}

const OF_CONCERN: readonly FileListName[] = FILE_LISTS.filter((list) => list !== 'recent');
const LINES = 20;
const JSON_FILES = 1_000;

/** Prints a line a file. As JSON: one list, or all of them by their names. */
export async function list(
  context: AskContext,
  { list: name, asJson, limit = asJson ? JSON_FILES : LINES }: ListRequest,
): Promise<ExitCode> {
  const wanted = FILE_LISTS.find((known) => known === name);
  const spoolPath = await findSpoolPath(context);
  const lists = [];
  for (const one of wanted === undefined ? OF_CONCERN : [wanted]) {
    const answer = await askDaemon(spoolPath, context, (connection) => fetchList(connection, one, limit));
    if (typeof answer === 'string') return EXIT.failure;
    lists.push(answer);
  }
  if (asJson) {
    const [first] = lists;
    const all = Object.fromEntries(lists.map((answer) => [answer.list, answer]));
    context.stdout.write(`${JSON.stringify(wanted === undefined ? all : first, null, 2)}\n`);
    return EXIT.ok;
  }
  const shown = wanted === undefined ? lists.filter(({ total }) => total > 0) : lists;
  const nowMs = systemClock.wallMs();
  const texts = shown.map((answer) => fileListText(answer, nowMs));
  context.stdout.write(
    texts.length === 0 ? 'no file waits, is sent or is stuck\n' : `${texts.join('\n\n')}\n`,
  );
  return EXIT.ok;
}
