// What operators have set on the running daemon, for a time or until further notice.

export interface Orders {
  /** Set while halfpipe is paused. */
  readonly pause?: Order;
  /** Set while an operator's share holds: 0 < share ≤ 1. */
  readonly share?: Order & { readonly share: number };
}

export interface Order {
  /** When it ends, in ms since 1970; null if only another order ends it. */
  readonly untilMs: number | null;
}

/** Without what has ended by `wallMs`. Returns the same object if nothing has. */
export function standing(orders: Orders, wallMs: number): Orders {
  const { pause, share } = orders;
  const isOver = (order: Order | undefined) =>
    order !== undefined && order.untilMs !== null && order.untilMs <= wallMs;
  if (!isOver(pause) && !isOver(share)) return orders;
  return {
    ...(pause !== undefined && !isOver(pause) && { pause }),
    ...(share !== undefined && !isOver(share) && { share }),
  };
}

export function writeOrders(orders: Orders): string {
  return `${JSON.stringify(orders, null, 2)}\n`;
}

/** No orders if the text is not what writeOrders() has written. */
export function readOrders(text: string): Orders {
  try {
    const { pause, share } = JSON.parse(text) as Orders;
    return {
      ...(isOrder(pause) && { pause: { untilMs: pause.untilMs } }),
      ...(isOrder(share) &&
        isShare(share.share) && { share: { share: share.share, untilMs: share.untilMs } }),
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return {};
    throw error;
  }
}

function isOrder(order: Order | undefined): order is Order {
  return order !== undefined && (order.untilMs === null || Number.isFinite(order.untilMs));
}

function isShare(share: number): boolean {
  return Number.isFinite(share) && share > 0 && share <= 1;
}
