// The requests about files: put one, post one without a name, ask for one. Each is checked in the
// same order: the token, the name, the prefix, and then what its header fields say.
import { BASIC_CHALLENGE } from '../http/shown-credential.ts';
import { SpoolPath } from '../spool/entry.ts';
import { ContentDigests, reprDigest } from './content-digests.ts';
import type { Exchange } from './exchange.ts';
import { FileNames } from './file-name.ts';
import { generatedName } from './generated-name.ts';
import type { IngestOptions } from './ingest-options.ts';
import type { IngestPorts } from './ingest-ports.ts';
import type { Arrival, Intake } from './intake.ts';
import type { Questions } from './questions.ts';
import { Refusal, type RefusalHeaders } from './refusal.ts';
import { RESOURCES } from './request-target.ts';
import type { Grant, Tokens } from './tokens.ts';
import { curlLine, refuseOtherContent, statedLength } from './upload-headers.ts';

/**
 * Throws a Fault when the tokens cannot be read. Every method answers the exchange, or rejects
 * with a Refusal or a bug.
 */
export class FileRequests {
  readonly #ports: IngestPorts;
  readonly #intake: Intake;
  readonly #questions: Questions;
  #options: IngestOptions;
  #names: FileNames;
  #tokens: Pick<Tokens, 'grant'>;

  constructor(options: IngestOptions, ports: IngestPorts, intake: Intake, questions: Questions) {
    this.#ports = ports;
    this.#intake = intake;
    this.#questions = questions;
    this.#options = options;
    this.#names = new FileNames(options);
    this.#tokens = this.#readable(options.tokensFile);
  }

  /**
   * From the next request on. Throws a Fault when another tokens file cannot be read; nothing has
   * changed then.
   */
  configure(options: IngestOptions): void {
    if (options.tokensFile !== this.#options.tokensFile) this.#tokens = this.#readable(options.tokensFile);
    this.#options = options;
    this.#names = new FileNames(options);
  }

  async put(exchange: Exchange): Promise<void> {
    const grant = this.#admitted(exchange);
    const path = this.#named(exchange, grant);
    const { query } = exchange.target;
    if (!['', 'replace=true', 'replace=false'].includes(query))
      throw new Refusal('bad-request', 'The only query that is known here is ?replace=true');
    await this.#receive(exchange, grant, path, query === 'replace=true' ? 'replace' : 'new');
  }

  async post(exchange: Exchange): Promise<void> {
    const grant = this.#admitted(exchange);
    refuseQuery(exchange);
    const { 'content-type': type } = exchange.request.headers;
    const name = generatedName(this.#ports.clock.wallMs(), type);
    const path = this.#names.accept(encoded(SpoolPath.from(`${grant.prefix}${name}`)));
    exchange.path = path.toString();
    await this.#receive(exchange, grant, path, 'new');
  }

  async head(exchange: Exchange): Promise<void> {
    const path = this.#named(exchange, this.#admitted(exchange));
    refuseQuery(exchange);
    const found = await this.#questions.find(exchange.request, path);
    if (found === undefined)
      throw new Refusal(
        'not-found',
        'No file waits under this name: it has been uploaded, or was never sent',
      );
    await exchange.answer(200, {
      'Content-Length': found.sizeBytes,
      'Content-Type': 'application/octet-stream',
      'Repr-Digest': reprDigest(found.sha256),
    });
  }

  /** Resolves if files can be received now. Rejects with a Fault. */
  async examine(): Promise<void> {
    this.#tokens.grant(undefined);
    await this.#intake.examine();
  }

  #readable(tokensFile: string): Pick<Tokens, 'grant'> {
    const tokens = this.#ports.tokens(tokensFile);
    tokens.grant(undefined);
    return tokens;
  }

  #admitted(exchange: Exchange): Grant {
    const grant = this.#grantOf(exchange.request.headers.authorization);
    exchange.admit(grant.name);
    return grant;
  }

  #grantOf(authorization: string | undefined): Grant {
    let grant: ReturnType<Tokens['grant']>;
    try {
      grant = this.#tokens.grant(authorization);
    } catch (cause) {
      throw new Refusal('tokens-unreadable', 'The tokens cannot be read: the log of halfpipe says why', {
        cause,
      });
    }
    if (typeof grant !== 'string') return grant;
    if (authorization === undefined)
      throw unauthorized('Send a token in the header field Authorization: Bearer TOKEN', '');
    if (grant === 'expired')
      throw new Refusal('token-expired', 'The token has expired: ask the operator for a new one', {
        headers: challenge(', error="invalid_token", error_description="The token has expired"'),
      });
    const why =
      grant === 'mistyped' ? 'The token is mistyped or cut short' : 'The token is not known or was revoked';
    throw unauthorized(`${why}: ask the operator for one (halfpipe token add)`, ', error="invalid_token"');
  }

  #named(exchange: Exchange, { prefix }: Grant): SpoolPath {
    const path = this.#names.accept(exchange.target.encodedPath);
    exchange.path = path.toString();
    const below = Buffer.from(prefix);
    if (!path.bytes.subarray(0, below.byteLength).equals(below))
      throw new Refusal(
        'outside-prefix',
        `The token may write below ${prefix} only: put that before the name`,
      );
    return path;
  }

  async #receive(exchange: Exchange, grant: Grant, path: SpoolPath, mode: Arrival['mode']): Promise<void> {
    const { request, target, startedAtMs } = exchange;
    const { maxFileSizeBytes, listen } = this.#options;
    refuseExpectation(request.headers.expect);
    refuseOtherContent(request, () => curlLine(request, target.path, listen));
    const digests = new ContentDigests(request.headers);
    const lengthBytes = statedLength(request, maxFileSizeBytes);
    const { broken } = exchange;
    const invite = () => exchange.invite();
    const arrival = { request, grant, path, mode, digests, lengthBytes, broken, invite };
    const { outcome, sizeBytes, sha256 } = await this.#intake.receive(arrival);
    this.#ports.onEvent({
      kind: 'ingested',
      path: path.toString(),
      sizeBytes,
      token: exchange.token ?? '',
      outcome,
      elapsedMs: this.#ports.clock.monotonicMs() - startedAtMs,
    });
    const body = { path: path.bytes.toString('utf8'), size: sizeBytes, sha256: sha256.toString('hex') };
    await exchange.answer(
      outcome === 'created' ? 201 : 200,
      {
        'Content-Type': 'application/json',
        Location: `${RESOURCES.files}/${encoded(path)}`,
        'Repr-Digest': reprDigest(sha256),
      },
      `${JSON.stringify(body)}\n`,
    );
  }
}

function encoded(path: SpoolPath): string {
  return path.bytes.toString('utf8').split('/').map(encodeURIComponent).join('/');
}

function refuseQuery({ target }: Exchange): void {
  if (target.query !== '')
    throw new Refusal('bad-request', 'No query is known here: leave out what follows ?');
}

/** RFC 9110, 10.1.1: there is one expectation. */
function refuseExpectation(expect: string | undefined): void {
  if (expect !== undefined && expect.trim().toLowerCase() !== '100-continue')
    throw new Refusal('expectation-failed', 'The only expectation that is met is 100-continue');
}

function unauthorized(detail: string, parameters: string): Refusal {
  return new Refusal('unauthorized', detail, { headers: challenge(parameters) });
}

function challenge(parameters: string): RefusalHeaders {
  const bearer = `Bearer realm="halfpipe"${parameters}`;
  return { 'WWW-Authenticate': [bearer, BASIC_CHALLENGE] };
}
