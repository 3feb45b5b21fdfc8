// Where files on their way into packets are, as part of a snapshot.

/** They are part of the backlog's files as well. */
export interface PacketsView {
  /** Files that wait for company. */
  readonly gatheredFiles: number;
  /** Their size. */
  readonly gatheredBytes: number;
  /** Packets that are complete on the disk, and are sent or wait for it. */
  readonly completePackets: number;
  /** The files in them. */
  readonly completeFiles: number;
}
