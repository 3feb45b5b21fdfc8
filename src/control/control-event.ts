// The event of the control socket.

export interface ControlEvent {
  /** An order was kept for the next start, or could not be (with the reason). */
  readonly kind: 'orderKept';
  readonly problem: string | undefined;
}
