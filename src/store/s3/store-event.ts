// The events of the store adapter.

export type StoreEvent =
  /** Sent once for each thing that the store does not do, with what follows from it. */
  | { readonly kind: 'notice'; readonly notice: string }
  /** A request has been answered, or has failed. */
  | { readonly kind: 'request'; readonly request: TracedRequest };

export interface TracedRequest {
  /** S3's name for it, for example PutObject. */
  readonly operation: string;
  readonly key: string | undefined;
  readonly part: number | undefined;
  /** The status of the answer; undefined if there was no answer. */
  readonly status: number | undefined;
  /** The store's or the system's name for the error. */
  readonly error: string | undefined;
  /** Until the head of the answer, including the wait for the link. */
  readonly durationMs: number;
  /** The size of the request body. */
  readonly bytes: number;
}
